# SPDX-License-Identifier: MIT
#
# For projects that test with ctest (CMake 3.22); find_package(Crossdep) includes this.
#
#   crossdep_wrap_tests(GRAPHS DIR TESTS TEST...)
#     The tests, whatever their commands are, run under the preload library; each of their processes leaves a graph in
#     DIR. Their results stay as they are: findings are printed, but do not fail them. `ctest -T memcheck` of a build with
#     MEMORYCHECK_TYPE=ThreadSanitizer (set before include(CTest)) counts them as defects.
#
#   crossdep_add_gate(NAME BASELINE FILE TESTS TEST... [GRAPHS DIR] [FAIL_ON VERDICT] [NEW_DEPENDENCIES fail|warn|ignore]
#                     [SUPPRESSIONS FILE] [SARIF FILE] [JUNIT FILE] [MARKDOWN FILE] [GITLAB FILE] [HTML FILE])
#     Wraps the tests and adds the test NAME, which runs after them and fails if their graphs have something that the
#     baseline does not accept. The target NAME-init makes the first baseline: it runs the tests and accepts what there
#     is. DIR (default NAME.graphs in the build folder) is emptied before the first test.
#
# The tests must be known already in the same CMakeLists.txt.
function(crossdep_wrap_tests)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "GRAPHS" "TESTS")
  if(NOT arg_GRAPHS OR NOT arg_TESTS)
    message(FATAL_ERROR "crossdep_wrap_tests: GRAPHS and TESTS are needed")
  endif()
  # By its bare name: LD_PRELOAD is taken apart at blanks, which a path may hold. The options are quoted for the same reason.
  get_filename_component(folder "${CROSSDEP_LIBRARY}" DIRECTORY)
  get_filename_component(library "${CROSSDEP_LIBRARY}" NAME)
  set_property(TEST ${arg_TESTS} APPEND PROPERTY ENVIRONMENT_MODIFICATION
    "LD_PRELOAD=path_list_prepend:${library}"
    "LD_LIBRARY_PATH=path_list_prepend:${folder}"
    "CROSSDEP_OPTIONS=set:out='${arg_GRAPHS}/':exitcode=0:memcheck=1")
endfunction()

function(crossdep_add_gate name)
  cmake_parse_arguments(PARSE_ARGV 1 arg ""
    "BASELINE;GRAPHS;FAIL_ON;NEW_DEPENDENCIES;SUPPRESSIONS;SARIF;JUNIT;MARKDOWN;GITLAB;HTML" "TESTS")
  if(NOT arg_BASELINE OR NOT arg_TESTS)
    message(FATAL_ERROR "crossdep_add_gate: BASELINE and TESTS are needed")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "crossdep_add_gate: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(baseline "${arg_BASELINE}" ABSOLUTE)
  set(graphs "${CMAKE_CURRENT_BINARY_DIR}/${name}.graphs")
  if(arg_GRAPHS)
    get_filename_component(graphs "${arg_GRAPHS}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
  endif()

  set(judge "")
  foreach(option FAIL_ON NEW_DEPENDENCIES SUPPRESSIONS)
    if(arg_${option})
      string(TOLOWER "--${option}" flag)
      string(REPLACE "_" "-" flag "${flag}")
      list(APPEND judge ${flag} "${arg_${option}}")
    endif()
  endforeach()
  set(reports "")
  foreach(format SARIF JUNIT MARKDOWN GITLAB HTML)
    if(arg_${format})
      string(TOLOWER "--${format}" flag)
      list(APPEND reports ${flag} "${arg_${format}}")
    endif()
  endforeach()

  # Graphs of an earlier run must not count: emptying the folder is the tests' fixture. It is made at once for those who
  # run a single test without its fixtures.
  file(MAKE_DIRECTORY "${graphs}")
  add_test(NAME ${name}.clean COMMAND ${CMAKE_COMMAND} "-DGRAPHS=${graphs}" -P "${CROSSDEP_CMAKE_DIR}/CrossdepEmpty.cmake")
  set_tests_properties(${name}.clean PROPERTIES FIXTURES_SETUP ${name}.graphs)
  set_property(TEST ${arg_TESTS} APPEND PROPERTY FIXTURES_REQUIRED ${name}.graphs)
  crossdep_wrap_tests(GRAPHS "${graphs}" TESTS ${arg_TESTS})

  # After the tests, whether they pass or not.
  add_test(NAME ${name} COMMAND "${CROSSDEP_PROGRAM}" gate --baseline "${baseline}" --source-root "${CMAKE_SOURCE_DIR}"
    ${judge} ${reports} "${graphs}")
  set_tests_properties(${name} PROPERTIES DEPENDS "${name}.clean;${arg_TESTS}" FIXTURES_REQUIRED ${name}.graphs)

  string(REPLACE ";" "|" pattern "${arg_TESTS}")
  set(accept "${judge}")
  list(REMOVE_ITEM accept "")
  add_custom_target(${name}-init
    COMMAND ${CMAKE_CTEST_COMMAND} --output-on-failure -R "^(${pattern})$"
    COMMAND "${CROSSDEP_PROGRAM}" gate --init --baseline "${baseline}" ${accept} "${graphs}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}" VERBATIM
    COMMENT "Running the tests, accepting the lock orders there are")
endfunction()
