// SPDX-License-Identifier: MIT
//
// Catch2 as the distribution has it: 2.13 (one header) or 3.x. Tests include this file and nothing of Catch2 itself, and
// use what both have: TEST_CASE, SECTION, REQUIRE, CHECK, CHECK_FALSE, INFO, CAPTURE, FAIL, GENERATE.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
