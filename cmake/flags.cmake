# SPDX-License-Identifier: MIT
#
# How everything is compiled and linked: the language, the warnings, the four build types, the
# compiler cache and the linker. Nothing here names a room.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(THREADS_PREFER_PTHREAD_FLAG ON)

# Daily keeps assert() on. -g1 gives file and line in a stack trace and links quickly.
set(CMAKE_CXX_FLAGS_DAILY "-O1 -g1")
# With a sanitizer g++ sees uninitialised values where there are none, in the standard library too.
set(sanitized "-O1 -g1 -fno-omit-frame-pointer -Wno-maybe-uninitialized")
set(CMAKE_CXX_FLAGS_ASAN
    "${sanitized} -fsanitize=address,undefined -fno-sanitize-recover=undefined")
set(CMAKE_CXX_FLAGS_TSAN "${sanitized} -fsanitize=thread")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE IN_LIST build_types)
  message(FATAL_ERROR "CMAKE_BUILD_TYPE is \"${CMAKE_BUILD_TYPE}\"; choose one of: ${build_types}")
endif()

# No path of this checkout gets into an object file, so that a fresh clone finds them in the cache.
add_compile_options(
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build"
  -fmacro-prefix-map=../=)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # -fpch-preprocess is what lets ccache see through a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      "CCACHE_SLOPPINESS=pch_defines,time_macros" "${CCACHE}")
  add_compile_options(-fpch-preprocess)
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# For our own files only: third-party headers are SYSTEM.
set(penstock_warnings -Wall -Wextra -Wshadow -Wconversion -Werror)
