# SPDX-License-Identifier: MIT
#
# What `cmake --install build --prefix DIR` puts where: the programs, the public headers, the rooms
# as one library, and what find_package(penstock) reads. The libraries that the rooms stand on are
# found by name on the user's machine; cmake/penstockConfig.cmake.in says which.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(installed_rooms rules store upkeep flow client worker http cli)
list(TRANSFORM installed_rooms REPLACE "(.+)" "$<TARGET_OBJECTS:penstock_\\1>"
     OUTPUT_VARIABLE installed_objects)
add_library(penstock_installed STATIC ${installed_objects})
set_target_properties(penstock_installed PROPERTIES OUTPUT_NAME penstock LINKER_LANGUAGE CXX)

install(TARGETS penstock RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS penstock_installed ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/penstock" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_SOURCE_DIR}/clients/python/penstock.py"
        DESTINATION ${CMAKE_INSTALL_DATADIR}/penstock/python)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/flow.schema.json"
        DESTINATION ${CMAKE_INSTALL_DATADIR}/penstock)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/penstockConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/penstockConfig.cmake" INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/penstockConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/penstockConfig.cmake"
              "${PROJECT_BINARY_DIR}/penstockConfigVersion.cmake" DESTINATION ${package_dir})
