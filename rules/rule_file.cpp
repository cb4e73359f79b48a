// SPDX-License-Identifier: MIT
//
// See rule_file.h. One function per section of the file; Reader keeps the first error and makes everything after it a
// no-op, so that sections read on without looking.
//
// Threading: see rule_file.h.  Allocation: the heap.
#include "rules/rule_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "rules/json_tree.h"
#include "rules/nearest.h"

namespace crossdep::rules {
namespace {

using Type = JsonNode::Type;

constexpr std::int64_t kSchema = 1;

constexpr std::pair<const char*, engine::Kind> kKinds[] = {
    {"mutex", engine::Kind::kMutex}, {"spin", engine::Kind::kSpin}, {"rwlock", engine::Kind::kRwlock}, {"rwsem", engine::Kind::kRwsem},
    {"completion", engine::Kind::kCompletion}, {"cond", engine::Kind::kCond}, {"sem", engine::Kind::kSemaphore},
    {"barrier", engine::Kind::kBarrier}, {"once", engine::Kind::kOnce}, {"thread", engine::Kind::kThread},
    {"work", engine::Kind::kWork}, {"workqueue", engine::Kind::kWorkqueue},
};
constexpr std::pair<const char*, std::uint8_t> kWaitTypes[] = {{"free", 1}, {"raw-spin", 2}, {"spin", 3}, {"sleep", 4}};

// In the order of PrimitiveRule::Op.
constexpr const char* kPrimitiveOps[] = {"acquire", "try", "timed", "release", "init", "destroy", "wait", "timed_wait", "signal", "broadcast"};

template <std::size_t N, typename Value>
std::vector<std::string> words_of(const std::pair<const char*, Value> (&table)[N]) {
  std::vector<std::string> out;
  for (const auto& entry : table) out.push_back(entry.first);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

class Reader {
 public:
  Reader(const std::string& name, RuleSet& out) : name_(name), out_(out) {}

  bool read(const JsonNode& root) {
    if (!object(root, "file")) return false;
    if (const JsonNode* schema = root.find("schema")) {
      if (schema->type != Type::kNumber || !schema->whole || schema->number < 1) fail(schema->at, "\"schema\" is not the number 1");
      else if (schema->number > kSchema)
        fail(schema->at, "schema " + std::to_string(schema->number) + " is newer than this program, which knows " + std::to_string(kSchema));
    }
    for (const char* key : {"$schema", "description"})
      if (const JsonNode* text = root.find(key)) is_text(*text, key);
    each(root, "order", [this](const JsonNode& node) { order(node); });
    each(root, "leaf", [this](const JsonNode& node) { leaf(node); });
    each(root, "forbid", [this](const JsonNode& node) { forbid(node); });
    each(root, "require", [this](const JsonNode& node) { require(node); });
    each(root, "no_lock", [this](const JsonNode& node) { no_lock(node); });
    each(root, "max_hold", [this](const JsonNode& node) { max_hold(node); });
    each(root, "nesting", [this](const JsonNode& node) { nesting(node); });
    each(root, "wait", [this](const JsonNode& node) { wait(node); });
    each(root, "names", [this](const JsonNode& node) { name(node); });
    each(root, "primitives", [this](const JsonNode& node) { primitive(node); });
    each(root, "wrappers", [this](const JsonNode& node) {
      if (is_text(node, "wrappers")) out_.wrappers.push_back(node.text);
    });
    return !error_;
  }

  const std::optional<JsonError>& error() const { return error_; }

 private:
  void fail(Position at, std::string cause) {
    if (!error_) error_ = JsonError{at, std::move(cause)};
  }

  // --- kinds of values -------------------------------------------------------------------------------------------------

  // An object whose keys are all known.
  bool object(const JsonNode& node, const std::string& kind) {
    if (node.type != Type::kObject) return fail(node.at, std::string(node.kind()) + " where an object belongs"), false;
    const std::vector<std::string>& known = rule_keys().at(kind);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (std::find(known.begin(), known.end(), node.keys[i]) != known.end()) continue;
      const std::string near = nearest(node.keys[i], known);
      fail(node.key_at[i], "unknown key \"" + node.keys[i] + "\"; " +
                               (near.empty() ? "known here are " + joined(known) : "did you mean \"" + near + "\"?"));
      return false;
    }
    return true;
  }

  template <typename Read>
  void each(const JsonNode& root, const char* key, Read read) {
    const JsonNode* list = root.find(key);
    if (list == nullptr || error_) return;
    if (list->type != Type::kList) return fail(list->at, "\"" + std::string(key) + "\" is " + list->kind() + " where a list belongs");
    for (const JsonNode& node : list->items)
      if (!error_) read(node);
  }

  bool is_text(const JsonNode& node, const std::string& key) {
    if (node.type != Type::kText) fail(node.at, "\"" + key + "\" is " + node.kind() + " where text belongs");
    else if (node.text.empty()) fail(node.at, "\"" + key + "\" is empty");
    return !error_;
  }

  std::string text(const JsonNode& object, const char* key, bool needed = false) {
    const JsonNode* node = object.find(key);
    if (node == nullptr) {
      if (needed) fail(object.at, "key \"" + std::string(key) + "\" is missing");
      return {};
    }
    return is_text(*node, key) ? node->text : std::string();
  }

  // One pattern or a list of them.
  Patterns patterns_of(const JsonNode& node, const std::string& key) {
    Patterns out;
    if (node.type != Type::kList) {
      if (node.type != Type::kText) fail(node.at, "\"" + key + "\" is " + node.kind() + " where a pattern or a list of patterns belongs");
      else if (is_text(node, key)) out.push_back(node.text);
      return out;
    }
    for (const JsonNode& item : node.items)
      if (is_text(item, key)) out.push_back(item.text);
    if (node.items.empty()) fail(node.at, "\"" + key + "\" is an empty list");
    return out;
  }
  Patterns patterns(const JsonNode& object, const char* key, bool needed = false) {
    const JsonNode* node = object.find(key);
    if (node != nullptr) return patterns_of(*node, key);
    if (needed) fail(object.at, "key \"" + std::string(key) + "\" is missing");
    return {};
  }

  // One of a few words; `otherwise` where the key is not there.
  std::string choice(const JsonNode& object, const char* key, const std::vector<std::string>& words, const std::string& otherwise) {
    const JsonNode* node = object.find(key);
    if (node == nullptr) return otherwise;
    if (!is_text(*node, key)) return otherwise;
    if (std::find(words.begin(), words.end(), node->text) != words.end()) return node->text;
    const std::string near = nearest(node->text, words);
    fail(node->at, "\"" + std::string(key) + "\" has the unknown value \"" + node->text + "\"; " +
                       (near.empty() ? "known are " + joined(words) : "did you mean \"" + near + "\"?"));
    return otherwise;
  }

  void begin(const JsonNode& node, Source& rule) {
    rule.place = base_name() + ":" + std::to_string(node.at.line);
    if (node.type == Type::kObject) rule.reason = text(node, "reason");
  }
  std::string base_name() const { return name_.substr(name_.rfind('/') == std::string::npos ? 0 : name_.rfind('/') + 1); }

  Performed performed(const JsonNode& node) {
    Performed out{patterns(node, "operation"), patterns(node, "call")};
    if (out.operations.empty() && out.calls.empty()) fail(node.at, "neither \"operation\" nor \"call\" is there");
    return out;
  }

  // --- sections --------------------------------------------------------------------------------------------------------

  void order(const JsonNode& node) {
    OrderRule rule;
    const JsonNode* classes = &node;
    if (node.type != Type::kList) {
      if (!object(node, "order")) return;
      classes = node.find("classes");
      if (classes == nullptr) return fail(node.at, "key \"classes\" is missing");
      if (classes->type != Type::kList)
        return fail(classes->at, "\"classes\" is " + std::string(classes->kind()) + " where a list of at least two classes belongs");
    }
    begin(node, rule);
    if (classes->items.size() < 2) return fail(classes->at, "an order needs at least two classes");
    for (const JsonNode& position : classes->items) rule.classes.push_back(patterns_of(position, "order"));
    out_.orders.push_back(std::move(rule));
  }

  void leaf(const JsonNode& node) {
    LeafRule rule;
    if (node.type == Type::kText) {
      rule.classes = patterns_of(node, "leaf");
    } else {
      if (!object(node, "leaf")) return;
      rule.classes = patterns(node, "class", true);
      rule.except = patterns(node, "except");
    }
    begin(node, rule);
    out_.leaves.push_back(std::move(rule));
  }

  void forbid(const JsonNode& node) {
    if (!object(node, "forbid")) return;
    ForbidRule rule;
    begin(node, rule);
    rule.performed = performed(node);
    rule.under = patterns(node, "under", true);
    rule.except = patterns(node, "except");
    rule.writers_only = choice(node, "mode", {"any", "write"}, "any") == "write";
    out_.forbids.push_back(std::move(rule));
  }

  void require(const JsonNode& node) {
    if (!object(node, "require")) return;
    RequireRule rule;
    begin(node, rule);
    rule.performed = performed(node);
    rule.locks = patterns(node, "lock", true);
    rule.for_writing = choice(node, "mode", {"any", "write"}, "any") == "write";
    out_.requires_lock.push_back(std::move(rule));
  }

  void no_lock(const JsonNode& node) {
    if (!object(node, "no_lock")) return;
    NoLockRule rule;
    begin(node, rule);
    rule.performed = performed(node);
    rule.except = patterns(node, "except");
    out_.no_lock.push_back(std::move(rule));
  }

  void max_hold(const JsonNode& node) {
    if (!object(node, "max_hold")) return;
    MaxHoldRule rule;
    begin(node, rule);
    rule.classes = patterns(node, "class", true);
    rule.except = patterns(node, "except");
    const JsonNode* limit = node.find("milliseconds");
    if (limit == nullptr) return fail(node.at, "key \"milliseconds\" is missing");
    if (limit->type != Type::kNumber || !limit->whole || limit->number < 1)
      return fail(limit->at, "\"milliseconds\" is not a whole number above 0");
    rule.milliseconds = static_cast<std::uint64_t>(limit->number);
    out_.max_holds.push_back(std::move(rule));
  }

  void nesting(const JsonNode& node) {
    if (!object(node, "nesting")) return;
    NestingRule rule;
    begin(node, rule);
    rule.classes = patterns(node, "class", true);
    if (node.find("order") == nullptr) return fail(node.at, "key \"order\" is missing");
    rule.by_address = choice(node, "order", {"any", "address"}, "any") == "address";
    out_.nestings.push_back(std::move(rule));
  }

  void wait(const JsonNode& node) {
    if (!object(node, "wait")) return;
    WaitRule rule;
    begin(node, rule);
    rule.classes = patterns(node, "class", true);
    if (node.find("type") == nullptr) return fail(node.at, "key \"type\" is missing");
    const std::vector<std::string> words = words_of(kWaitTypes);
    const auto type_of = [&](const char* key) -> std::uint8_t {
      const std::string word = choice(node, key, words, "");
      for (const auto& [known, number] : kWaitTypes)
        if (word == known) return number;
      return 0;
    };
    rule.inner = type_of("type");
    rule.outer = node.find("outer") == nullptr ? rule.inner : type_of("outer");
    out_.waits.push_back(std::move(rule));
  }

  void name(const JsonNode& node) {
    if (!object(node, "name")) return;
    NameRule rule;
    begin(node, rule);
    rule.class_name = text(node, "class");
    rule.function = text(node, "function");
    rule.site = text(node, "site");
    rule.name = text(node, "name", true);
    const int given = !rule.class_name.empty() + !rule.function.empty() + !rule.site.empty();
    if (given != 1) fail(node.at, "a name needs exactly one of \"class\", \"function\" and \"site\"");
    const std::string word = choice(node, "kind", words_of(kKinds), "");
    for (const auto& [known, kind] : kKinds)
      if (word == known) rule.kind = kind, rule.any_kind = false;
    out_.names.push_back(std::move(rule));
  }

  // 0 to 5: those arguments come in registers.
  int argument(const JsonNode& object, const char* key, int otherwise) {
    const JsonNode* node = object.find(key);
    if (node == nullptr) return otherwise;
    if (node->type == Type::kNumber && node->whole && node->number >= 0 && node->number <= 5) return static_cast<int>(node->number);
    fail(node->at, "\"" + std::string(key) + "\" is not the number of an argument, 0 to 5");
    return otherwise;
  }

  void primitive(const JsonNode& node) {
    if (!object(node, "primitive")) return;
    PrimitiveRule rule;
    begin(node, rule);
    int given = 0;
    for (unsigned i = 0; i < std::size(kPrimitiveOps); ++i) {
      if (node.find(kPrimitiveOps[i]) == nullptr) continue;
      rule.op = static_cast<PrimitiveRule::Op>(i);
      rule.functions = patterns(node, kPrimitiveOps[i]);
      ++given;
    }
    if (given != 1) fail(node.at, "a primitive needs exactly one of " + joined({std::begin(kPrimitiveOps), std::end(kPrimitiveOps)}));
    for (const std::string& function : rule.functions)
      if (function.find_first_of(" \t\r\n") != std::string::npos || function == "*") fail(node.at, "\"" + function + "\" is no function's name");
    const bool waits = rule.op == PrimitiveRule::Op::kWait || rule.op == PrimitiveRule::Op::kTimedWait;
    const bool signals = rule.op == PrimitiveRule::Op::kSignal || rule.op == PrimitiveRule::Op::kBroadcast;
    rule.argument = static_cast<unsigned>(argument(node, "arg", 0));
    rule.mutex = argument(node, "mutex", -1);
    if (rule.mutex >= 0 && !waits) fail(node.at, "\"mutex\" belongs to a wait");
    if (const JsonNode* recursive = node.find("recursive")) {
      if (recursive->type != Type::kBoolean) fail(recursive->at, "\"recursive\" is " + std::string(recursive->kind()) + " where true or false belongs");
      rule.recursive = recursive->boolean;
    }
    const std::string mode = choice(node, "mode", {"write", "read", "rread"}, "write");
    rule.mode = mode == "read" ? engine::Mode::kRead : mode == "rread" ? engine::Mode::kRecursiveRead : engine::Mode::kWrite;
    rule.kind = rule.mutex >= 0 ? engine::Kind::kCond : waits || signals ? engine::Kind::kCompletion : engine::Kind::kMutex;
    const std::string word = choice(node, "kind", words_of(kKinds), "");
    for (const auto& [known, kind] : kKinds)
      if (word == known) rule.kind = kind;
    if ((waits || signals) && !engine::is_crosslock(rule.kind)) fail(node.at, "\"kind\" \"" + word + "\" is a lock, which is not waited for or signalled");
    const bool may_fail = rule.op == PrimitiveRule::Op::kTry || rule.op == PrimitiveRule::Op::kTimed;
    const std::string success = choice(node, "success", {"always", "zero", "nonzero"}, may_fail ? "nonzero" : "always");
    rule.success = success == "zero" ? PrimitiveRule::Success::kZero : success == "nonzero" ? PrimitiveRule::Success::kNonzero : PrimitiveRule::Success::kAlways;
    out_.primitives.push_back(std::move(rule));
  }

  const std::string& name_;
  RuleSet& out_;
  std::optional<JsonError> error_;
};

}  // namespace

const char* primitive_word(PrimitiveRule::Op op) { return kPrimitiveOps[static_cast<unsigned>(op)]; }

const std::map<std::string, std::vector<std::string>>& rule_keys() {
  static const std::map<std::string, std::vector<std::string>> kKeys = {
      {"file", {"$schema", "schema", "description", "order", "leaf", "forbid", "require", "no_lock", "max_hold", "nesting", "wait", "names", "primitives", "wrappers"}},
      {"order", {"classes", "reason"}},
      {"leaf", {"class", "except", "reason"}},
      {"forbid", {"operation", "call", "under", "except", "mode", "reason"}},
      {"require", {"operation", "call", "lock", "mode", "reason"}},
      {"no_lock", {"operation", "call", "except", "reason"}},
      {"max_hold", {"class", "except", "milliseconds", "reason"}},
      {"nesting", {"class", "order", "reason"}},
      {"wait", {"class", "type", "outer", "reason"}},
      {"primitive", {"acquire", "try", "timed", "release", "init", "destroy", "wait", "timed_wait", "signal", "broadcast",
                     "arg", "mode", "kind", "success", "recursive", "mutex", "reason"}},
      {"name", {"class", "function", "site", "kind", "name", "reason"}},
  };
  return kKeys;
}

bool parse_rules(std::string_view text, const std::string& name, RuleSet& out, std::string& cause) {
  const auto tell = [&](const JsonError& error) {
    cause = name + ":" + std::to_string(error.at.line) + ":" + std::to_string(error.at.column) + ": " + error.cause;
    for (char& c : cause)
      if (static_cast<unsigned char>(c) < ' ' || c == 127) c = '?';
    return false;
  };
  JsonNode root;
  JsonError error;
  if (!parse_json(text, root, error)) return tell(error);
  RuleSet read = out;
  Reader reader(name, read);
  if (!reader.read(root)) return tell(*reader.error());
  out = std::move(read);
  return true;
}

bool read_rules(const std::string& path, RuleSet& out, std::string& cause) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  std::string text;
  char buffer[4096];
  for (std::size_t n = 1; file != nullptr && n != 0;) text.append(buffer, n = std::fread(buffer, 1, sizeof buffer, file.get()));
  if (file == nullptr || std::ferror(file.get())) {
    cause = path + ": " + std::strerror(errno);
    return false;
  }
  return parse_rules(text, path, out, cause);
}

std::string find_rules(const std::string& name, const std::string& folder, std::string& near) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  near.clear();
  if (name.find('/') != std::string::npos || fs::exists(name, ignored)) return name;
  std::vector<std::string> known;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const fs::path path = entry.path();
    if (path.extension() != ".json" || path.stem().extension() == ".schema") continue;
    if (path.stem() == name || path.filename() == name) return path.string();
    known.push_back(path.stem().string());
  }
  std::sort(known.begin(), known.end());
  near = nearest(name, known);
  return {};
}

}  // namespace crossdep::rules
