# SPDX-License-Identifier: MIT
#
# Required: fmt, CLI11, nlohmann_json, threads. Optional: libdw (function names and lines in reports); its target
# crossdep::libdw is there only if it was found.
function(crossdep_require package debian)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "crossdep: ${package} is missing; install it with: apt-get install ${debian}")
  endif()
endfunction()

crossdep_require(fmt libfmt-dev)
crossdep_require(CLI11 libcli11-dev)
crossdep_require(nlohmann_json nlohmann-json3-dev)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# crossdep_optional(NAME HEADER DEBIAN FEATURE LIBRARY...)
function(crossdep_optional name header debian feature)
  find_path(CROSSDEP_${name}_INCLUDE ${header})
  set(libraries "")
  foreach(library ${ARGN})
    find_library(CROSSDEP_${library}_LIBRARY ${library})
    list(APPEND libraries ${CROSSDEP_${library}_LIBRARY})
  endforeach()
  if(NOT CROSSDEP_${name}_INCLUDE OR libraries MATCHES "NOTFOUND")
    message(STATUS "crossdep: ${debian} is missing: ${feature} is off")
    return()
  endif()
  add_library(crossdep::${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(crossdep::${name} INTERFACE ${CROSSDEP_${name}_INCLUDE})
  target_link_libraries(crossdep::${name} INTERFACE ${libraries})
endfunction()

crossdep_optional(libdw elfutils/libdwfl.h libdw-dev "function names and lines in reports" dw elf)
