// SPDX-License-Identifier: MIT
//
// See text_writer.h.
#include "traces/text_writer.h"

#include <cstdio>

#include "traces/text_arguments.h"

namespace crossdep::traces {

using engine::ContextKind;
using engine::Kind;
using engine::Mode;

namespace {

constexpr std::size_t kBlock = 256 * 1024;
constexpr std::uint32_t kLargestGap = 1u << 16;

std::string hex(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
  return text;
}

// A context's name is one word and cannot be mistaken for a comment or directive.
std::string word_of(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '"') c = '_';
  if (!out.empty() && (out.front() == '#' || out.front() == '%')) out.front() = '_';
  return out;
}

template <class T>
bool make_room(std::vector<T>& table, std::uint32_t id) {
  if (id < table.size()) return true;
  if (id - table.size() > kLargestGap) return false;
  table.resize(std::size_t{id} + 1);
  return true;
}

}  // namespace

TextWriter::TextWriter(std::function<bool(std::string_view)> put) : put_(std::move(put)) {}

// --- pieces of a line ------------------------------------------------------------------------------------------------

void TextWriter::begin_line(ContextId context, std::string_view event) {
  if (!started_) out_ += "# crossdep-text 1\n";
  started_ = true;
  out_ += contexts_[context].name;
  out_ += ' ';
  out_ += event;
}

void TextWriter::put_word(std::string_view word) {
  out_ += ' ';
  append_text_value(out_, word);
}

void TextWriter::put_key(std::string_view key, std::string_view value) {
  out_ += ' ';
  out_ += key;
  out_ += '=';
  append_text_value(out_, value);
}

void TextWriter::put_number(std::string_view key, std::uint64_t number) { put_key(key, std::to_string(number)); }

void TextWriter::put_lock(InstanceId id) { put_word(locks_[id].name); }

void TextWriter::put_class(ClassId id) {
  if (id >= classes_.size()) return;
  put_key("class", classes_[id].name);
  if (classes_[id].subclass != 0) put_number("sub", classes_[id].subclass);
}

void TextWriter::put_site(Site site) {
  if (site == 0) return;
  const auto known = sites_.find(site);
  put_key("site", known != sites_.end() ? known->second : hex(site));
}

void TextWriter::end_line() {
  out_ += '\n';
  if (out_.size() < kBlock) return;
  if (!failed_ && !put_(out_)) failed_ = true;
  out_.clear();
}

std::string TextWriter::unique(std::string wish, std::uint64_t number, std::unordered_set<std::string>& taken) {
  if (taken.insert(wish).second) return wish;
  wish += "." + std::to_string(number);
  while (!taken.insert(wish).second) wish += "'";
  return wish;
}

// --- definitions -----------------------------------------------------------------------------------------------------

void TextWriter::on_class(const ClassDefinition& definition) {
  if (!make_room(classes_, definition.id)) return;
  Class& made = classes_[definition.id];
  made = {std::string(definition.name), definition.subclass, definition.wait_outer, definition.wait_inner, definition.flags};
  if (definition.key_kind == engine::ClassKey::kNamed && !definition.name.empty()) {
    class_names_.insert(made.name);
  } else {
    const std::string identity = std::to_string(static_cast<int>(definition.key_kind)) + "/" +
                                 std::to_string(definition.key) + "/" + std::to_string(definition.ordinal);
    std::string& base = class_bases_[identity];
    if (base.empty()) {
      std::string wish(definition.name);
      if (wish.empty()) {
        const auto place = sites_.find(definition.key);
        wish = std::string(text_kind_name(definition.kind)) + "@" +
               (place != sites_.end() ? place->second : hex(definition.key));
      }
      base = unique(std::move(wish), definition.id, class_names_);
    }
    made.name = base;
  }
}

void TextWriter::on_lock(const LockDefinition& definition) {
  if (!make_room(locks_, definition.id)) return;
  release_held_back();
  Lock& lock = locks_[definition.id];
  lock = {};
  lock.name = definition.kind == Kind::kThread
                  ? std::string(definition.name)   // made by `fork`, never named in a line
                  : unique(definition.name.empty() ? hex(definition.address) : std::string(definition.name), definition.id, lock_names_);
  lock.class_id = definition.class_id;
  lock.kind = definition.kind;
  lock.flags = definition.flags;
  lock.site = definition.site;
  lock.printed = definition.kind == Kind::kThread;
  if (definition.context < contexts_.size()) introduce(definition.id, definition.context);
}

void TextWriter::introduce(InstanceId id, ContextId context) {
  Lock& lock = locks_[id];
  if (lock.printed) return;
  lock.printed = true;
  const Class none;
  Class& its_class = lock.class_id < classes_.size() ? classes_[lock.class_id] : const_cast<Class&>(none);
  if ((its_class.flags & (engine::kOrderAddress | engine::kNestOk)) != 0) {
    begin_line(context, "class");
    put_word(its_class.name);
    if (its_class.subclass != 0) put_number("sub", its_class.subclass);
    if (its_class.flags & engine::kOrderAddress) put_key("order", "address");
    if (its_class.flags & engine::kNestOk) out_ += " nest_ok";
    end_line();
    its_class.flags = 0;   // once
  }
  begin_line(context, "init");
  put_lock(id);
  if (its_class.name != lock.name || its_class.subclass != 0) put_class(lock.class_id);
  put_key("kind", text_kind_name(lock.kind));
  if (its_class.wait_outer != 0 || its_class.wait_inner != 0)
    put_key("wait", std::to_string(its_class.wait_outer) + ":" + std::to_string(its_class.wait_inner));
  if (lock.flags & engine::kRecursiveLock) out_ += " recursive";
  if (lock.flags & engine::kErrorCheck) out_ += " errorcheck";
  if (lock.flags & engine::kOfProcess) out_ += " of_process";
  if (lock.flags & engine::kToken) out_ += " token";
  if (lock.flags & engine::kLeftHeld) put_key("held", (lock.flags & engine::kLeftRead) != 0 ? "read" : "write");
  put_site(lock.site);
  end_line();
}

void TextWriter::on_context(const ContextDefinition& definition) {
  if (!make_room(contexts_, definition.id)) return;
  release_held_back();
  Context& context = contexts_[definition.id];
  context = {};
  std::string wish = word_of(definition.name);
  if (wish.empty()) wish = "T" + std::to_string(definition.tid);
  context.name = unique(std::move(wish), definition.tid, context_names_);
  if (definition.parent >= contexts_.size() || contexts_[definition.parent].ended) return;
  begin_line(definition.parent, "fork");
  put_word(context.name);
  if (definition.end < locks_.size()) put_class(locks_[definition.end].class_id);
  end_line();
}

void TextWriter::on_name(NameId id, std::string_view name) { names_[id] = name; }

void TextWriter::on_site(Site site, std::string_view text) { sites_[site] = text; }

void TextWriter::on_case(std::string_view name) {
  release_held_back();
  if (!started_) out_ += "# crossdep-text 1\n";
  started_ = true;
  out_ += "%case ";
  out_ += name;
  end_line();
  classes_.clear();
  locks_.clear();
  contexts_.clear();
  class_bases_.clear();
  sites_.clear();
  names_.clear();
  class_names_.clear();
  lock_names_.clear();
  context_names_.clear();
}

void TextWriter::on_expect(std::string_view text) {
  release_held_back();
  out_ += "%expect ";
  out_ += text;
  end_line();
}

void TextWriter::on_note(std::string_view text) {
  release_held_back();
  out_ += "# ";
  out_ += text;
  end_line();
}

// --- events ----------------------------------------------------------------------------------------------------------

void TextWriter::release_held_back() {
  if (!holds_back_) return;
  holds_back_ = false;
  print_acquisition(held_back_, "request");
}

void TextWriter::on_event(const Event& event) {
  if (event.context >= contexts_.size()) return;   // losses of nobody in particular: a note tells of them
  if (event.lock != kNone && event.lock >= locks_.size()) return;
  if (event.other != kNone && event.other >= locks_.size()) return;
  if (holds_back_ && event.kind == EventKind::kAcquired && event.context == held_back_.context &&
      event.lock == held_back_.lock && event.site == held_back_.site && event.mode == held_back_.mode) {
    holds_back_ = false;
    print_acquisition(held_back_, "acquire");
    return;
  }
  release_held_back();
  if (event.lock != kNone) introduce(event.lock, event.context);
  if (event.other != kNone) introduce(event.other, event.context);
  if (event.kind == EventKind::kRequest) {
    held_back_ = event;
    holds_back_ = true;
    return;
  }
  print(event);
}

void TextWriter::print_acquisition(const Event& event, std::string_view name) {
  begin_line(event.context, name);
  put_lock(event.lock);
  if (event.class_id != kNone && event.class_id != locks_[event.lock].class_id) put_class(event.class_id);
  if (event.mode != Mode::kWrite) put_key("mode", event.mode == Mode::kRead ? "read" : "rread");
  if (event.flags & engine::kTry) out_ += " try";
  if (event.flags & engine::kTimed) out_ += " timed";
  if (event.other != kNone) put_key("nest", locks_[event.other].name);
  if (event.wait_outer != 0 || event.wait_inner != 0)
    put_key("wait", std::to_string(event.wait_outer) + ":" + std::to_string(event.wait_inner));
  put_site(event.site);
  end_line();
}

void TextWriter::print_nested(const Event& event, std::string_view name) {
  begin_line(event.context, name);
  switch (event.nested) {
    case ContextKind::kHardirq: out_ += " hardirq"; break;
    case ContextKind::kSoftirq: out_ += " softirq"; break;
    case ContextKind::kNmi: out_ += " nmi"; break;
    case ContextKind::kSignal: out_ += " signal " + std::to_string(event.number); break;
    default:
      out_ += " work";
      if (event.lock != kNone) put_lock(event.lock);
      if (event.other != kNone) put_key("queue", locks_[event.other].name);
      break;
  }
  if (event.flags & kThreaded) out_ += " threaded";
  put_site(event.site);
  end_line();
}

void TextWriter::print(const Event& event) {
  Context& context = contexts_[event.context];
  const auto simple = [&](std::string_view name) {
    begin_line(event.context, name);
    put_lock(event.lock);
    if (event.mode != Mode::kWrite) put_key("mode", event.mode == Mode::kRead ? "read" : "rread");
    put_site(event.site);
    end_line();
  };
  const bool has_lock = event.lock != kNone;
  switch (event.kind) {
    case EventKind::kRequest:
    case EventKind::kFailed:      // a request without an acquisition says it
    case EventKind::kSetStack:    // text has one place an event
      break;
    case EventKind::kAcquired: if (has_lock) print_acquisition(event, "acquired"); break;
    case EventKind::kRelease:
      begin_line(event.context, "release");
      put_lock(event.lock);
      put_site(event.site);
      end_line();
      break;
    case EventKind::kDowngrade: if (has_lock) simple("downgrade"); break;
    case EventKind::kSync: if (has_lock) simple("sync"); break;
    case EventKind::kMightLock: if (has_lock) simple("might_lock"); break;
    case EventKind::kAssertHeld: if (has_lock) simple("assert_held"); break;
    case EventKind::kReinit:
      begin_line(event.context, "init");
      put_lock(event.lock);
      if (event.class_id != kNone) {
        put_class(event.class_id);
        locks_[event.lock].class_id = event.class_id;
      }
      put_site(event.site);
      end_line();
      break;
    case EventKind::kDestroy:
      if (has_lock && locks_[event.lock].kind != Kind::kThread) {
        simple("destroy");
        lock_names_.erase(locks_[event.lock].name);
        locks_[event.lock].printed = false;
      }
      break;
    case EventKind::kFree:
      begin_line(event.context, "free");
      out_ += " " + hex(event.number) + " " + hex(event.number2);
      put_site(event.site);
      end_line();
      break;
    case EventKind::kWaitBegin:
      begin_line(event.context, "wait");
      put_lock(event.lock);
      if (event.other != kNone) put_key("mutex", locks_[event.other].name);
      if (event.flags & engine::kTry) out_ += " try";
      if (event.flags & engine::kTimed) out_ += " timed";
      put_site(event.site);
      end_line();
      break;
    case EventKind::kWaitEnd:
      begin_line(event.context, "wake");
      put_lock(event.lock);
      if (event.peer < contexts_.size()) put_key("by", contexts_[event.peer].name);
      if (event.flags & kFailedWait) out_ += " failed";
      put_site(event.site);
      end_line();
      break;
    case EventKind::kSignal:
      begin_line(event.context, "signal");
      put_lock(event.lock);
      if (event.number == kAllWaits) out_ += " all";
      else if (event.number != 1) put_number("n", event.number);
      put_site(event.site);
      end_line();
      break;
    case EventKind::kJoinBegin:
      context.joins = event.peer;
      context.join = event;
      break;
    case EventKind::kJoinEnd:
      if (event.peer >= contexts_.size()) break;
      begin_line(event.context, "join");
      put_word(contexts_[event.peer].name);
      if (event.flags & engine::kTimed) out_ += " timed";
      if (event.flags & kFailedWait) out_ += " failed";
      put_site(context.joins == event.peer ? context.join.site : event.site);
      end_line();
      context.joins = kNone;
      if ((event.flags & kFailedWait) == 0) context_names_.erase(contexts_[event.peer].name);
      break;
    case EventKind::kContextEnd:
      begin_line(event.context, "exit");
      put_site(event.site);
      end_line();
      context.ended = true;
      break;
    case EventKind::kEnter: print_nested(event, "begin"); break;
    case EventKind::kLeave:
      begin_line(event.context, "end");
      end_line();
      break;
    case EventKind::kMask: print_nested(event, "mask"); break;
    case EventKind::kUnmask: print_nested(event, "unmask"); break;
    case EventKind::kOperation:
    case EventKind::kRead:
    case EventKind::kWrite: {
      begin_line(event.context, event.kind == EventKind::kOperation ? "op" : event.kind == EventKind::kRead ? "read" : "write");
      const auto known = names_.find(event.name);
      put_word(known != names_.end() ? known->second : hex(event.number));
      put_site(event.site);
      end_line();
      break;
    }
    case EventKind::kLost:
      begin_line(event.context, "lost");
      put_number("n", event.number);
      end_line();
      break;
  }
}

void TextWriter::finish() {
  release_held_back();
  for (ContextId id = 0; id < contexts_.size(); ++id) {
    const Context& context = contexts_[id];
    if (context.joins >= contexts_.size()) continue;
    begin_line(id, "join");   // it waits to this day
    put_word(contexts_[context.joins].name);
    out_ += " failed";
    put_site(context.join.site);
    end_line();
  }
  if (!out_.empty() && !failed_ && !put_(out_)) failed_ = true;
  out_.clear();
}

}  // namespace crossdep::traces
