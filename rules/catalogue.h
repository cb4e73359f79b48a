// SPDX-License-Identifier: MIT
//
// The catalogue of checks: one entry for each engine::Check, the only place where their ids and texts stand. Ids are
// stable: graph files, baselines and suppressions name them.
//
// Threading: constant data.  Allocation: none.
#pragma once

#include <string>

#include "engine/types.h"

namespace crossdep::rules {

enum class Level { kNote, kWarning, kError };

struct CheckText {
  engine::Check check;
  const char* id;          // lower case, words joined by '-'
  const char* title;       // one line, no full stop
  const char* description; // a paragraph: what it means, why it matters, what to do
  const char* example;     // the smallest program that shows it, as a text trace
  Level level;             // what a report format shows it as unless configured otherwise
  const char* rules = nullptr;   // the rule file the example needs, if the check is one that rules ask for
};

/// The entry of this check.
const CheckText& catalogue(engine::Check check);
/// All entries, in the order of engine::Check; `engine::kCheckCount` of them.
const CheckText* catalogue();

inline const char* check_id(engine::Check check) { return catalogue(check).id; }
/// false if there is no such check.
bool parse_check(const std::string& id, engine::Check& out);
const char* word(Level level);

}  // namespace crossdep::rules
