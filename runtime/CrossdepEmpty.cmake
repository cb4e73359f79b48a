# SPDX-License-Identifier: MIT
#
# cmake -DGRAPHS=DIR -P CrossdepEmpty.cmake: makes the folder, and takes out the results of earlier runs - nothing else.
file(MAKE_DIRECTORY "${GRAPHS}")
file(GLOB old "${GRAPHS}/*.cdgraph" "${GRAPHS}/*.cdjournal" "${GRAPHS}/*.cdtrace")
if(old)
  file(REMOVE ${old})
endif()
