# SPDX-License-Identifier: MIT
#
# Text files as constants of the program:
#
#   embed(TARGET penstock_store HEADER store/sqlite/statements.gen.h
#         NAMESPACE penstock::sqlite::statements FILES finish.sql submit.sql [PREFIX v])
#
# writes a header, included as "store/sqlite/statements.gen.h", with one
# `inline constexpr std::string_view finish` per file, named for the file's stem (PREFIX goes in
# front: a stem such as 0001_jobs is no identifier), and the array `all` of {stem, text} in the
# given order.
#
#   embed(TARGET penstock_store HEADER store/redis/scripts.gen.h
#         NAMESPACE penstock::redis::scripts SCRIPTS finish.lua submit.lua LIBRARY lib)
#
# writes `inline constexpr Script finish` (store/redis/script.h) per script and the array `all` of
# pointers to them. A line `--@include NAME` stands for the text of NAME.lua in the folder LIBRARY,
# which may not include anything itself. The number of keys is that of the `-- KEYS[i]` lines of the
# contract. The file is its own script: embed() runs it with `cmake -P` when a text changes.

function(embed)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;HEADER;NAMESPACE;PREFIX;LIBRARY"
                        "FILES;SCRIPTS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "embed(${arg_HEADER}) does not understand: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM arg_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  list(TRANSFORM arg_SCRIPTS PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  list(TRANSFORM arg_LIBRARY PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  set(root "${CMAKE_CURRENT_BINARY_DIR}/embedded")
  set(header "${root}/${arg_HEADER}")
  add_custom_command(
    OUTPUT "${header}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${header}" "-DNAMESPACE=${arg_NAMESPACE}"
            "-DPREFIX=${arg_PREFIX}" "-DFILES=${arg_FILES}" "-DSCRIPTS=${arg_SCRIPTS}"
            "-DLIBRARY=${arg_LIBRARY}" -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    DEPENDS ${arg_FILES} ${arg_SCRIPTS} "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    DEPFILE "${header}.d" # What the scripts include.
    COMMENT "Embedding ${arg_HEADER}"
    VERBATIM)
  target_sources(${arg_TARGET} PRIVATE "${header}")
  target_include_directories(${arg_TARGET} PRIVATE "${root}")
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  return()
endif()

cmake_policy(VERSION 3.25)

# The name that the file's constant gets.
function(identifier PATH VARIABLE)
  cmake_path(GET PATH STEM stem)
  set(name "${PREFIX}${stem}")
  if(NOT name MATCHES "^[a-z_][a-z0-9_]*$")
    message(FATAL_ERROR "${PATH}: \"${name}\" is no identifier; rename the file or give a PREFIX")
  endif()
  set(${VARIABLE} "${name}" PARENT_SCOPE)
endfunction()

# One string literal may be 64 KiB long at most, so a long text becomes several, side by side.
set(piece_bytes 60000)
function(literal PATH TEXT VARIABLE)
  if(TEXT MATCHES "\\)embedded\"")
    message(FATAL_ERROR "${PATH}: contains )embedded\", which ends the raw string it is put into")
  endif()
  string(LENGTH "${TEXT}" bytes)
  set(literal "")
  set(from 0)
  while(from LESS bytes OR from EQUAL 0)
    string(SUBSTRING "${TEXT}" ${from} ${piece_bytes} piece)
    string(APPEND literal "\n    R\"embedded(${piece})embedded\"")
    math(EXPR from "${from} + ${piece_bytes}")
  endwhile()
  set(${VARIABLE} "${literal}" PARENT_SCOPE)
endfunction()

# The script's text with its includes pasted in. Adds what it has read to the list `included`.
function(pasted PATH VARIABLE)
  file(READ "${PATH}" text)
  string(REGEX MATCHALL "(^|\n)--@include [^\n]*" lines "${text}")
  foreach(line IN LISTS lines)
    string(STRIP "${line}" line)
    string(REPLACE "--@include " "" name "${line}")
    set(path "${LIBRARY}/${name}.lua")
    if(NOT name MATCHES "^[a-z0-9_]+$" OR NOT EXISTS "${path}")
      message(FATAL_ERROR "${PATH}: \"${line}\" names no file of ${LIBRARY}")
    endif()
    file(READ "${path}" part)
    if(part MATCHES "(^|\n)--@include")
      message(FATAL_ERROR "${path}: is included itself and may not include anything")
    endif()
    string(REGEX REPLACE "\n+$" "" part "${part}")
    string(REPLACE "\n${line}\n" "\n${part}\n" text "\n${text}")
    string(SUBSTRING "${text}" 1 -1 text)
    list(APPEND included "${path}")
  endforeach()
  set(${VARIABLE} "${text}" PARENT_SCOPE)
  set(included "${included}" PARENT_SCOPE)
endfunction()

set(constants "")
set(rows "")
set(included "")
foreach(path IN LISTS FILES)
  identifier("${path}" name)
  cmake_path(GET path STEM stem)
  file(READ "${path}" text)
  literal("${path}" "${text}" literal)
  string(APPEND constants "inline constexpr std::string_view ${name} =${literal};\n\n")
  string(APPEND rows "    {\"${stem}\", ${name}},\n")
endforeach()
foreach(path IN LISTS SCRIPTS)
  identifier("${path}" name)
  pasted("${path}" text)
  literal("${path}" "${text}" literal)
  string(SHA1 hash "${text}")
  string(REGEX MATCHALL "\n-- KEYS\\[[0-9]+\\]" keys "${text}")
  list(REMOVE_DUPLICATES keys)
  list(LENGTH keys key_count)
  string(APPEND constants
         "inline constexpr Script ${name}{\"${name}\", \"${hash}\", ${key_count},${literal}};\n\n")
  string(APPEND rows "    &${name},\n")
endforeach()
list(JOIN included " " included)
file(WRITE "${OUTPUT}.d" "${OUTPUT}: ${included}\n")

if(SCRIPTS)
  list(LENGTH SCRIPTS count)
  set(headers "#include \"store/redis/script.h\"\n\n#include <array>")
  set(array "/// Every script above.\ninline constexpr std::array<const Script*, ${count}> all{{")
else()
  list(LENGTH FILES count)
  set(headers "#include <array>\n#include <string_view>\n#include <utility>")
  set(array
      "/// Every text above with its file's stem, in the order of the build file.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, ${count}> all{{")
endif()

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [=[
// Written by cmake/embed.cmake; the texts live in the source tree.
#pragma once

@headers@

namespace @NAMESPACE@ {

@constants@@array@
@rows@}};

}  // namespace @NAMESPACE@
]=])
# An equal file is left as old as it was, and Ninja would ask for it again and again.
file(TOUCH "${OUTPUT}")
