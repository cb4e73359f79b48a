// SPDX-License-Identifier: MIT
//
// CROSSDEP_OPTIONS: the sanitizers' syntax, quotes, and what is said of an error.
#include "core/options.h"

#include <string>

#include "catch.hpp"
#include "core/options.cpp"   // the runtime's parts are linked into libcrossdep.so only

using namespace crossdep::runtime;

namespace {

OptionError parse(const char* text, Options& options, std::string& where) {
  Text<128> at;
  const OptionError error = parse_options(text, options, at);
  where.assign(at.data(), at.length());
  return error;
}

}  // namespace

TEST_CASE("options are parted by colons, commas and blanks", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("record=1:verbose=yes, exitcode=7 \n fail_on=latent:", options, where) == OptionError::kNone);
  REQUIRE(options.record);
  REQUIRE(options.verbose);
  REQUIRE(options.exitcode == 7);
  REQUIRE(options.fail_on == crossdep::engine::Verdict::kLatent);
}

TEST_CASE("a quoted value may hold what parts options", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("out='a folder: x':helper=\"/it's here/crossdep\":record=1", options, where) == OptionError::kNone);
  REQUIRE(std::string(options.out.data()) == "a folder: x");
  REQUIRE(std::string(options.helper.data()) == "/it's here/crossdep");
  REQUIRE(options.record);
}

TEST_CASE("the last of an option given twice counts", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("out=a:out=b", options, where) == OptionError::kNone);
  REQUIRE(std::string(options.out.data()) == "b");
}

TEST_CASE("a hang is a number of seconds, none by default", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(options.hang_timeout == 0);
  REQUIRE(parse("hang_timeout=30", options, where) == OptionError::kNone);
  REQUIRE(options.hang_timeout == 30);
  for (const char* text : {"hang_timeout=-1", "hang_timeout=1s", "hang_timeout=86401"})
    REQUIRE(parse(text, options, where) == OptionError::kValue);
}

TEST_CASE("a file of suppressions is a path", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("suppressions='known: ones.supp'", options, where) == OptionError::kNone);
  REQUIRE(std::string(options.suppressions.data()) == "known: ones.supp");
  REQUIRE(parse("suppressions=", options, where) == OptionError::kValue);
}

TEST_CASE("verbosity is verbose as a number", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("verbosity=1", options, where) == OptionError::kNone);
  REQUIRE(options.verbose);
  REQUIRE(parse("verbosity=0", options, where) == OptionError::kNone);
  REQUIRE(!options.verbose);
  REQUIRE(parse("verbosity=2", options, where) == OptionError::kNone);
  REQUIRE(options.verbose);
  for (const char* text : {"verbosity=", "verbosity=yes", "verbosity=-1"})
    REQUIRE(parse(text, options, where) == OptionError::kValue);
}

TEST_CASE("halting at a finding is off unless asked for", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("", options, where) == OptionError::kNone);
  REQUIRE(!options.halt_on_finding);
  REQUIRE(parse("halt_on_finding=1", options, where) == OptionError::kNone);
  REQUIRE(options.halt_on_finding);
  REQUIRE(parse("halt_on_finding=2", options, where) == OptionError::kValue);
}

TEST_CASE("an unknown option is named, and the rest is read", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse("colour=red:supervised=1", options, where) == OptionError::kUnknown);
  REQUIRE(where == "colour=red");
  REQUIRE(options.supervised);
}

TEST_CASE("a value that makes no sense is named", "[runtime]") {
  for (const char* text : {"record=maybe", "exitcode=256", "exitcode=-1", "exitcode=", "fail_on=sometimes", "out=", "record"}) {
    Options options;
    std::string where;
    REQUIRE(parse(text, options, where) == OptionError::kValue);
    REQUIRE(where == text);
  }
}

TEST_CASE("a path too long is an error, not a cut path", "[runtime]") {
  Options options;
  std::string where;
  REQUIRE(parse(("out=" + std::string(5000, 'x')).c_str(), options, where) == OptionError::kValue);
}

TEST_CASE("text is cut where it would overflow", "[runtime]") {
  Text<8> text;
  text.add("abc").number(12345).hex(255);
  REQUIRE(std::string(text.data()) == "abc1234");
  REQUIRE(text.full());
}
