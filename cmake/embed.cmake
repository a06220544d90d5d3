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
# given order. The file is its own script: embed() runs it with `cmake -P` when a text changes.

function(embed)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;HEADER;NAMESPACE;PREFIX" "FILES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "embed(${arg_HEADER}) does not understand: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM arg_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  set(root "${CMAKE_CURRENT_BINARY_DIR}/embedded")
  set(header "${root}/${arg_HEADER}")
  add_custom_command(
    OUTPUT "${header}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${header}" "-DNAMESPACE=${arg_NAMESPACE}"
            "-DPREFIX=${arg_PREFIX}" "-DFILES=${arg_FILES}" -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    DEPENDS ${arg_FILES} "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    COMMENT "Embedding ${arg_HEADER}"
    VERBATIM)
  target_sources(${arg_TARGET} PRIVATE "${header}")
  target_include_directories(${arg_TARGET} PRIVATE "${root}")
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  return()
endif()

# One string literal may be 64 KiB long at most, so a long text becomes several, side by side.
set(piece_bytes 60000)
set(constants "")
set(rows "")
list(LENGTH FILES count)
foreach(path IN LISTS FILES)
  cmake_path(GET path STEM stem)
  set(name "${PREFIX}${stem}")
  if(NOT name MATCHES "^[a-z_][a-z0-9_]*$")
    message(FATAL_ERROR "${path}: \"${name}\" is no identifier; rename the file or give a PREFIX")
  endif()
  file(READ "${path}" text)
  if(text MATCHES "\\)embedded\"")
    message(FATAL_ERROR "${path}: contains )embedded\", which ends the raw string it is put into")
  endif()
  string(LENGTH "${text}" bytes)
  set(literal "")
  set(from 0)
  while(from LESS bytes OR from EQUAL 0)
    string(SUBSTRING "${text}" ${from} ${piece_bytes} piece)
    string(APPEND literal "\n    R\"embedded(${piece})embedded\"")
    math(EXPR from "${from} + ${piece_bytes}")
  endwhile()
  string(APPEND constants "inline constexpr std::string_view ${name} =${literal};\n\n")
  string(APPEND rows "    {\"${stem}\", ${name}},\n")
endforeach()

file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [=[
// Written by cmake/embed.cmake; the texts live in the source tree.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace @NAMESPACE@ {

@constants@/// Every text above with its file's stem, in the order of the build file.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, @count@> all{{
@rows@}};

}  // namespace @NAMESPACE@
]=])
