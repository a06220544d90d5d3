# SPDX-License-Identifier: MIT
#
# One short name for each library we did not write: `LIBS sqlite json` in a room() means the
# targets third_party::sqlite and third_party::json. All are Debian 12 packages; ./dev installs
# them. Imported targets are SYSTEM, so their headers do not meet our warnings.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(third_party NAME)
  add_library(third_party_${NAME} INTERFACE)
  target_link_libraries(third_party_${NAME} INTERFACE ${ARGN})
  add_library(third_party::${NAME} ALIAS third_party_${NAME})
endfunction()

function(third_party_package NAME MODULE)
  pkg_check_modules(package_${NAME} QUIET IMPORTED_TARGET ${MODULE})
  if(NOT package_${NAME}_FOUND)
    message(FATAL_ERROR "${MODULE} is not installed; ./dev build installs what is missing")
  endif()
  third_party(${NAME} PkgConfig::package_${NAME})
endfunction()

third_party(threads Threads::Threads)
third_party_package(sqlite sqlite3)
third_party_package(hiredis hiredis)
# It asks for -D_FILE_OFFSET_BITS=64, which is no news here and spoils the precompiled headers.
set_property(TARGET PkgConfig::package_hiredis PROPERTY INTERFACE_COMPILE_OPTIONS)
third_party_package(json nlohmann_json)
third_party_package(cli11 CLI11)
third_party_package(fmt fmt)
third_party_package(spdlog spdlog) # the compiled one, with the external fmt
third_party_package(toml tomlplusplus) # the linked one, TOML_HEADER_ONLY=0
third_party_package(yaml yaml-cpp)
third_party_package(crypto libcrypto)
third_party_package(systemd libsystemd)
third_party_package(prometheus prometheus-cpp-core)
third_party_package(cbc cbc)
# Asio is headers alone; the thread library is linked everywhere. Boost has no pkg-config file.
find_path(boost_headers boost/asio/awaitable.hpp REQUIRED)
third_party(asio)
# The thread sanitizer does not know fences; without them Asio's own locks say the same.
target_compile_definitions(
  third_party_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ERROR_CODE_HEADER_ONLY
                             $<$<CONFIG:Tsan>:BOOST_ASIO_DISABLE_FENCED_BLOCK>)
if(PENSTOCK_TESTS)
  third_party_package(gtest "gmock;gtest")
  third_party_package(gtest_main "gmock;gtest_main")
endif()
if(PENSTOCK_BENCH)
  third_party_package(benchmark benchmark)
endif()
