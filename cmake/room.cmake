# SPDX-License-Identifier: MIT
#
# The words in which every CMakeLists.txt of the project is written:
#
#   add_rooms(DIR...)     enter each DIR that has a CMakeLists.txt
#   room(NAME ...)        a library penstock_NAME with its tests beside it
#   suite(NAME ...)       a test binary that belongs to no single room
#   program(NAME ...)     an executable in build/bin
#
# All file lists are explicit. DEPS are rooms, LIBS are names of cmake/third_party.cmake.

function(add_rooms)
  foreach(dir IN LISTS ARGN)
    if(EXISTS "${PROJECT_SOURCE_DIR}/${dir}/CMakeLists.txt")
      add_subdirectory("${PROJECT_SOURCE_DIR}/${dir}" "${PROJECT_BINARY_DIR}/${dir}")
    endif()
  endforeach()
endfunction()

# What every target of ours gets: warnings, the two include roots, rooms and libraries.
function(settle TARGET)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SCOPE" "DEPS;LIBS")
  list(TRANSFORM arg_DEPS PREPEND penstock_)
  list(TRANSFORM arg_LIBS PREPEND third_party::)
  target_link_libraries(${TARGET} ${arg_SCOPE} ${arg_DEPS})
  if(arg_SCOPE STREQUAL INTERFACE)
    target_include_directories(${TARGET} INTERFACE "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${TARGET} INTERFACE ${arg_LIBS})
  else()
    target_compile_options(${TARGET} PRIVATE ${penstock_warnings})
    target_include_directories(
      ${TARGET} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include"
                        "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${TARGET} PRIVATE ${arg_LIBS} third_party::threads)
  endif()
endfunction()

# room(NAME [SOURCES x.cc...] [DEPS room...] [LIBS lib...] [TESTS x_test.cc...] [TEST_DEPS room...]
#      [TEST_LIBS lib...] [PCH <header>...])
#
# Static library penstock_NAME (header-only when there are no SOURCES) and one test binary
# NAME_test. PCH are the headers to precompile for the library; without it the room shares the
# precompiled standard headers of `penstock_precompiled`.
function(room NAME)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LIBS;TESTS;TEST_DEPS;TEST_LIBS;PCH")
  refuse_leftovers("room(${NAME})" "${arg_UNPARSED_ARGUMENTS}")
  set(target penstock_${NAME})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    settle(${target} SCOPE PUBLIC DEPS ${arg_DEPS} LIBS ${arg_LIBS})
    if(arg_PCH)
      target_precompile_headers(${target} PRIVATE ${arg_PCH})
    else()
      target_precompile_headers(${target} REUSE_FROM penstock_precompiled)
    endif()
  else()
    add_library(${target} INTERFACE)
    settle(${target} SCOPE INTERFACE DEPS ${arg_DEPS} LIBS ${arg_LIBS})
  endif()
  if(arg_TESTS)
    suite(${NAME}_test SOURCES ${arg_TESTS} DEPS ${NAME} ${arg_DEPS} ${arg_TEST_DEPS}
          LIBS ${arg_LIBS} ${arg_TEST_LIBS} LABEL fast)
  endif()
endfunction()

# suite(NAME SOURCES x.cc... [DEPS room...] [LIBS lib...] [LABEL fast|slow] [SHARDS 2]
#       [TIMEOUT 300] [NEEDS program...] [OWN_MAIN])
#
# One GoogleTest binary, registered with ctest as SHARDS entries NAME.1 NAME.2 ... Tests find the
# checkout in PENSTOCK_SOURCE_DIR and the programs in PENSTOCK_BIN_DIR (environment, not macros,
# which would spoil the compiler cache). NEEDS: programs that are built first.
function(suite NAME)
  if(NOT PENSTOCK_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "OWN_MAIN" "LABEL;SHARDS;TIMEOUT"
                        "SOURCES;DEPS;LIBS;NEEDS")
  refuse_leftovers("suite(${NAME})" "${arg_UNPARSED_ARGUMENTS}")
  set_default(arg_LABEL fast)
  set_default(arg_SHARDS 2)
  set_default(arg_TIMEOUT 300)
  set(gtest gtest_main)
  if(arg_OWN_MAIN)
    set(gtest gtest)
  endif()
  add_executable(${NAME} ${arg_SOURCES})
  settle(${NAME} SCOPE PRIVATE DEPS ${arg_DEPS} LIBS ${arg_LIBS} ${gtest})
  target_precompile_headers(${NAME} REUSE_FROM penstock_precompiled_tests)
  if(arg_NEEDS)
    add_dependencies(${NAME} ${arg_NEEDS})
  endif()
  math(EXPR last "${arg_SHARDS} - 1")
  foreach(shard RANGE ${last})
    math(EXPR number "${shard} + 1")
    add_test(NAME ${NAME}.${number} COMMAND ${NAME} --gtest_brief=1)
    set_tests_properties(
      ${NAME}.${number}
      PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} ENVIRONMENT
                 "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${shard};${test_environment}")
  endforeach()
endfunction()
set(test_environment
    "PENSTOCK_SOURCE_DIR=${PROJECT_SOURCE_DIR};PENSTOCK_BIN_DIR=${PROJECT_BINARY_DIR}/bin"
    "NO_COLOR=1")

# program(NAME SOURCES x.cc... [DEPS room...] [LIBS lib...])
function(program NAME)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LIBS")
  refuse_leftovers("program(${NAME})" "${arg_UNPARSED_ARGUMENTS}")
  add_executable(${NAME} ${arg_SOURCES})
  settle(${NAME} SCOPE PRIVATE DEPS ${arg_DEPS} LIBS ${arg_LIBS})
endfunction()

function(refuse_leftovers WHERE LEFTOVERS)
  if(NOT LEFTOVERS STREQUAL "")
    message(FATAL_ERROR "${WHERE} does not understand: ${LEFTOVERS}")
  endif()
endfunction()

macro(set_default VARIABLE VALUE)
  if(NOT ${VARIABLE})
    set(${VARIABLE} ${VALUE})
  endif()
endmacro()

# The standard headers that most files need, compiled once and shared.
set(standard_headers
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <functional> <map>
    <memory> <mutex> <optional> <span> <stop_token> <string> <string_view> <thread>
    <unordered_map> <utility> <variant> <vector>)

function(precompile NAME)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;LIBS")
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/${NAME}.cc"
       CONTENT "// Only here to own the precompiled headers.\n")
  add_library(penstock_${NAME} OBJECT "${PROJECT_BINARY_DIR}/${NAME}.cc")
  settle(penstock_${NAME} SCOPE PRIVATE LIBS ${arg_LIBS})
  target_precompile_headers(penstock_${NAME} PRIVATE ${arg_HEADERS})
endfunction()

precompile(precompiled HEADERS ${standard_headers})
if(PENSTOCK_TESTS)
  precompile(precompiled_tests HEADERS ${standard_headers} <gtest/gtest.h> <gmock/gmock.h>
             LIBS gtest)
endif()
