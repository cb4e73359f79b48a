// SPDX-License-Identifier: MIT
//
// See proc_lockdep.h. A cycle needs an opinion of its contexts, which nobody knows here: each dependency counts as that of a
// context of its own, and the filter takes that out again before anyone sees it.
#include "traces/proc_lockdep.h"

#include <charconv>
#include <cstring>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/engine.h"
#include "engine/heap_allocator.h"
#include "traces/splat_words.h"

namespace crossdep::traces {
namespace {

using engine::ClassId;
using engine::kNone;
using engine::Mode;

constexpr std::string_view kSaid =
    "the kernel lists these dependencies; whether their modes, contexts and instances allow the deadlock it does not tell";

// What the engine cannot know here is left out of what it says.
class Candidates final : public engine::Sink {
 public:
  explicit Candidates(engine::Sink& sink) : sink_(sink) {}

  void on_class(const engine::ClassInfo& info) override { sink_.on_class(info); }
  void on_class_usage(ClassId id, std::uint8_t usage) override { sink_.on_class_usage(id, usage); }
  void on_instance(const engine::InstanceInfo&) override {}
  void on_context(const engine::ContextInfo&) override {}
  void on_stack(engine::StackId, const engine::Site*, unsigned) override {}
  void on_dependency(const engine::DependencyInfo& info) override { sink_.on_dependency(info); }
  void on_witness(const engine::WitnessInfo& info) override {
    engine::WitnessInfo bare = info;
    bare.context = kNone;
    sink_.on_witness(bare);
  }
  void on_finding(const engine::FindingInfo& info) override {
    engine::FindingInfo candidate = info;
    candidate.verdict = engine::Verdict::kPossible;
    candidate.reason = engine::Reason::kReported;
    candidate.context = kNone;
    candidate.said = kSaid.data();
    candidate.said_length = static_cast<std::uint32_t>(kSaid.size());
    sink_.on_finding(candidate);
  }

 private:
  engine::Sink& sink_;
};

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "[ffffffff81cbe158] (console_sem).lock"
bool parse_reference(std::string_view text, std::string_view& address, std::string_view& name) {
  if (text.empty() || text.front() != '[') return false;
  const std::size_t end = text.find("] ");
  if (end == std::string_view::npos) return false;
  address = trimmed(text.substr(1, end - 1));
  name = trimmed(text.substr(end + 2));
  return (is_hex(address) || address == "(____ptrval____)") && !name.empty();
}

struct Head {
  std::string_view address, usage, name;
  std::uint64_t operations = 0;
};

// "ffffffff81cbe100 OPS:     849 FD:   20 BD:    6 +.+.: console_lock"
bool parse_head(std::string_view text, Head& out) {
  const std::size_t blank = text.find(' ');
  const std::size_t forward = text.find("FD:"), backward = text.find("BD:");
  if (blank == std::string_view::npos || forward == std::string_view::npos || backward == std::string_view::npos || backward < forward)
    return false;
  out.address = text.substr(0, blank);
  if (!is_hex(out.address) && out.address != "(____ptrval____)") return false;
  if (const std::size_t at = text.find("OPS:"); at != std::string_view::npos && at < forward) {
    const std::string_view count = trimmed(text.substr(at + 4, forward - at - 4));
    std::from_chars(count.data(), count.data() + count.size(), out.operations);
  }
  std::string_view rest = trimmed(text.substr(backward + 3));
  rest = trimmed(rest.substr(std::min(rest.find_first_not_of("0123456789"), rest.size())));
  const std::size_t colon = rest.find(": ");
  if (colon == std::string_view::npos || colon < 4 || colon > 9) return false;
  out.usage = rest.substr(0, colon);
  out.name = trimmed(rest.substr(colon + 2));
  return out.usage.find_first_not_of(".+-?") == std::string_view::npos && !out.name.empty();
}

class Reader {
 public:
  Reader(engine::Sink& sink, ProcLockdepFacts& facts) : candidates_(sink), facts_(facts), engine_(memory_, candidates_, engine::Options{}) {}

  void line(std::string_view text) {
    Head head;
    std::string_view address, name;
    if (text.empty()) {
      holder_ = kNone;
    } else if (parse_head(text, head)) {
      facts_.requests += head.operations;
      holder_ = class_of(head.address, head.name);
      use(holder_, head.usage);
      anything_ = true;
    } else if (text.starts_with("-> ") && parse_reference(text.substr(3), address, name)) {
      if (holder_ != kNone) depend(holder_, class_of(address, name), Mode::kWrite, Mode::kWrite);
    } else if (text.starts_with("irq_context:")) {
      holder_ = kNone;
    } else if (parse_reference(text, address, name)) {
      const ClassId next = class_of(address, name);
      if (holder_ != kNone) depend(holder_, next, Mode::kWrite, Mode::kWrite);
      holder_ = next;
      anything_ = true;
    } else if (text != "all lock classes:" && text != "all lock chains:") {
      ++facts_.skipped;
    }
  }

  bool anything() const { return anything_; }
  void finish() {
    if (facts_.requests == 0) facts_.requests = known_.size();
    facts_.losses = engine_.losses();
  }

 private:
  ClassId class_of(std::string_view address, std::string_view name) {
    const bool hidden = address.find_first_not_of('0') == std::string_view::npos || address.front() == '(';
    facts_.hashed = facts_.hashed || hidden;
    std::string identity(hidden ? name : address);
    const auto [at, fresh] = classes_.try_emplace(std::move(identity), kNone);
    if (!fresh) return at->second;
    PrintedLock lock;
    set_printed_name(name, lock);
    engine::Engine::ClassSpec spec;
    spec.key_kind = engine::ClassKey::kStatic;
    spec.kind = lock.kind;
    spec.subclass = lock.subclass;
    spec.key = classes_.size();   // the class's number: two may share a name
    spec.name = lock.name.data();
    spec.name_length = static_cast<std::uint32_t>(lock.name.size());
    return at->second = engine_.declare_class(spec);
  }

  ClassId interrupt(const char* name) {
    const auto [at, fresh] = classes_.try_emplace(name, kNone);
    if (!fresh) return at->second;
    engine::Engine::ClassSpec spec;
    spec.kind = engine::Kind::kInterrupt;
    spec.name = name;
    spec.name_length = static_cast<std::uint32_t>(std::strlen(name));
    return at->second = engine_.declare_class(spec);
  }

  // Taken inside: the interrupt asks for it. Held with it enabled: its holder may have to wait for the interrupt's end.
  void use(ClassId id, std::string_view usage) {
    std::uint8_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const char c = usage[i];
      const bool inside = c == '-' || c == '?', enabled = c == '+' || c == '?';
      if (inside) bits |= static_cast<std::uint8_t>(1u << i);
      if (enabled) bits |= static_cast<std::uint8_t>(16u << i);
      if (!inside && !enabled) continue;
      const ClassId handler = interrupt(i < 2 ? "(hardirq)" : "(softirq)");
      const Mode mode = i % 2 == 0 ? Mode::kWrite : Mode::kRecursiveRead;
      if (inside) depend(handler, id, Mode::kWrite, mode);
      if (enabled) depend(id, handler, mode, Mode::kWrite);
    }
    if (bits != 0) candidates_.on_class_usage(id, bits);
  }

  void depend(ClassId from, ClassId to, Mode from_mode, Mode to_mode) {
    const std::uint64_t modes = static_cast<std::uint64_t>(from_mode) << 2 | static_cast<std::uint64_t>(to_mode);
    if (from == to || !known_.insert(std::uint64_t{from} << 34 | std::uint64_t{to} << 4 | modes).second) return;
    engine::WitnessInfo witness{};
    witness.dependency = kNone;
    witness.from_mode = from_mode;
    witness.to_mode = to_mode;
    witness.context = static_cast<engine::ContextId>(known_.size());
    witness.waiter = witness.from = witness.to = kNone;
    engine_.import_dependency(from, to, witness, nullptr, 0);
  }

  engine::HeapAllocator memory_;
  Candidates candidates_;
  ProcLockdepFacts& facts_;
  engine::Engine engine_;
  std::unordered_map<std::string, ClassId> classes_;
  std::unordered_set<std::uint64_t> known_;
  ClassId holder_ = kNone;
  bool anything_ = false;
};

}  // namespace

Status read_proc_lockdep(LineSource& source, const std::string& file, engine::Sink& sink, ProcLockdepFacts& facts) {
  Reader reader(sink, facts);
  std::string_view line;
  while (source.next(line)) reader.line(trimmed(line));
  reader.finish();
  if (source.error() != 0)
    return Status::at_line(Status::Outcome::kPartial, file, source.line_number(), std::string("cannot be read on: ") + std::strerror(source.error()));
  if (!reader.anything()) return Status::fail(file, "lists no lock class");
  return {};
}

bool looks_like_proc_lockdep(std::string_view line) {
  Head head;
  return line == "all lock classes:" || line == "all lock chains:" || line.starts_with("irq_context: ") || parse_head(line, head);
}

}  // namespace crossdep::traces
