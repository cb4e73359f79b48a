# SPDX-License-Identifier: MIT
#
# How everything is compiled, and where the built files lie. The build tree has the layout of an installation
# (bin/crossdep beside lib/libcrossdep.so), so that the program finds its library in both by the same relative path.
option(CROSSDEP_TESTS "Build the tests" ON)
option(CROSSDEP_WERROR "Warnings are errors" OFF)
set(CROSSDEP_SANITIZE "" CACHE STRING "Sanitizer for the analyzer and the unit tests: address, thread or empty")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

add_compile_options(-Wall -Wextra)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Guesses after inlining, which GCC 11 to 13 get wrong inside the standard library's strings and vectors.
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(CROSSDEP_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(CROSSDEP_VERSION="${PROJECT_VERSION}")
# Reports and tests name files as they stand in the project, wherever it was built.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# The program looks for its library here, relative to its own folder (and in ../lib, the build tree's).
file(RELATIVE_PATH CROSSDEP_LIB_FROM_BIN ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH CROSSDEP_BIN_FROM_LIB ${CMAKE_INSTALL_FULL_LIBDIR} ${CMAKE_INSTALL_FULL_BINDIR})

# The sanitized presets check the analyzer and the unit tests. The runtime lives inside other programs and is never
# instrumented: it links crossdep_engine_runtime, which is built without.
set(CROSSDEP_SANITIZE_FLAGS "")
if(CROSSDEP_SANITIZE)
  set(CROSSDEP_SANITIZE_FLAGS -fsanitize=${CROSSDEP_SANITIZE} -fno-omit-frame-pointer)
  if(CROSSDEP_SANITIZE STREQUAL "address")
    list(APPEND CROSSDEP_SANITIZE_FLAGS -fsanitize=undefined -fno-sanitize-recover=undefined)
  endif()
endif()

# Everything below this folder is compiled and linked with the sanitizer, if one is asked for.
macro(crossdep_sanitize_folder)
  if(CROSSDEP_SANITIZE_FLAGS)
    add_compile_options(${CROSSDEP_SANITIZE_FLAGS})
    add_link_options(${CROSSDEP_SANITIZE_FLAGS})
  endif()
endmacro()
