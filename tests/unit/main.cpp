// SPDX-License-Identifier: MIT
//
// The unit tests' main: Catch2 2.13 compiles it from its header here, 3.x links it from its library.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"
