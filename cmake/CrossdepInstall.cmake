# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where: bin/crossdep, lib/libcrossdep.so, include/crossdep.h, the rules, and a CMake package
# (find_package(Crossdep); target Crossdep::crossdep is the annotation header, which needs no library).
include(CMakePackageConfigHelpers)

install(TARGETS crossdep RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS crossdep_runtime LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/crossdep.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/rules/ DESTINATION ${CMAKE_INSTALL_DATADIR}/crossdep/rules
  FILES_MATCHING PATTERN "*.json")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/crossdep)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/CrossdepConfig.cmake.in
  ${PROJECT_BINARY_DIR}/CrossdepConfig.cmake INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/CrossdepConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/CrossdepConfig.cmake ${PROJECT_BINARY_DIR}/CrossdepConfigVersion.cmake
  DESTINATION ${package_dir})
