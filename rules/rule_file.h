// SPDX-License-Identifier: MIT
//
// Reads rule files: JSON with comments, as rules.schema.json beside this file describes it. Read strictly: an unknown key
// or a value of the wrong kind is an error that names file, line, column and, where there is one, the word that was
// probably meant.
//
// Threading: pure functions of the file system.  Allocation: the heap.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule_set.h"

namespace crossdep::rules {

/// Adds the rules of this text to `out`. `name` is the file's name for errors and for the rules' places. False: `cause` is
/// "FILE:LINE:COLUMN: what is wrong", and `out` is as before.
bool parse_rules(std::string_view text, const std::string& name, RuleSet& out, std::string& cause);

/// The same from a file.
bool read_rules(const std::string& path, RuleSet& out, std::string& cause);

/// What `--rules NAME` means: a file, or the name of one of those in `folder`, which come with crossdep (kernel, posix).
/// Empty: there is neither; `near` is a name that may have been meant.
std::string find_rules(const std::string& name, const std::string& folder, std::string& near);

/// The key that names functions which do this.
const char* primitive_word(PrimitiveRule::Op op);

/// The keys each kind of object may have, by the name of the object in the schema: one list for reader, schema and tests.
const std::map<std::string, std::vector<std::string>>& rule_keys();

}  // namespace crossdep::rules
