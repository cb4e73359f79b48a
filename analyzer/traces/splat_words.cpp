// SPDX-License-Identifier: MIT
//
// See splat_words.h. Names may hold brackets and blanks, so classes are found from their end: the usage characters.
#include "traces/splat_words.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace crossdep::traces {
namespace {

using engine::Kind;
using engine::Mode;

template <typename Number>
bool parse_number(std::string_view text, int base, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

// What crossdep and cross-release put before the name of something waited for, and "kind@place" of crossdep.
Kind kind_of(std::string_view name) {
  struct Tag {
    std::string_view text;
    Kind kind;
  };
  constexpr Tag kTags[] = {{"(complete)", Kind::kCompletion}, {"(completion)", Kind::kCompletion}, {"(cond)", Kind::kCond},
                           {"(sem)", Kind::kSemaphore},       {"(future)", Kind::kFuture},         {"(barrier)", Kind::kBarrier},
                           {"(latch)", Kind::kLatch},         {"(once)", Kind::kOnce},             {"(guard)", Kind::kGuard},
                           {"(thread)", Kind::kThread},       {"(process)", Kind::kProcess},       {"(work)", Kind::kWork},
                           {"(workqueue)", Kind::kWorkqueue}, {"(futex)", Kind::kFutex},           {"completion@", Kind::kCompletion},
                           {"cond@", Kind::kCond},            {"sem@", Kind::kSemaphore},          {"future@", Kind::kFuture},
                           {"barrier@", Kind::kBarrier},      {"latch@", Kind::kLatch},            {"once@", Kind::kOnce},
                           {"guard@", Kind::kGuard},          {"mutex@", Kind::kMutex},            {"spin@", Kind::kSpin},
                           {"rwlock@", Kind::kRwlock},        {"rwsem@", Kind::kRwsem}};
  for (const Tag& tag : kTags)
    if (name.starts_with(tag.text)) return tag.kind;
  if (name == "(hardirq)" || name == "(softirq)" || name == "(reclaim_fs)" || (name.starts_with("(signal ") && name.ends_with(")")))
    return Kind::kInterrupt;
  return Kind::kOther;
}

// lockdep's characters; the third pair of six is reclaim's and has no bit here.
std::uint8_t usage_bits(std::string_view characters) {
  std::uint8_t bits = 0;
  if (characters.size() < 4) return 0;
  for (unsigned i = 0; i < 4; ++i) {
    if (characters[i] == '-' || characters[i] == '?') bits |= static_cast<std::uint8_t>(1u << i);
    if (characters[i] == '+' || characters[i] == '?') bits |= static_cast<std::uint8_t>(16u << i);
  }
  return bits;
}

// "{+.+.}" at `at`; its end, npos if there is none.
std::size_t usage_end(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '{') return std::string_view::npos;
  const std::size_t end = text.find('}', at);
  if (end == std::string_view::npos || end - at < 3 || end - at > 9) return std::string_view::npos;
  return all_of(text.substr(at + 1, end - at - 1), ".+-?") ? end : std::string_view::npos;
}

bool is_symbol(std::string_view text) {
  if (text.empty() || (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '_' && text[0] != '.')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$'; });
}

// "file.c:12", "file.c:12:3", "./include/x.h:7 (discriminator 3)" without the latter
bool is_place(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const std::string_view file = text.substr(0, colon);
  if (file.find('.') == std::string_view::npos && file.find('/') == std::string_view::npos) return false;
  return file.find_first_of("(){}[]<>,=") == std::string_view::npos && all_of(text.substr(colon + 1), "0123456789:?");
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

}  // namespace

bool has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

std::string between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == std::string_view::npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  if (to == std::string_view::npos) return {};
  return std::string(text.substr(from + begin.size(), to - from - begin.size()));
}

std::uint64_t number_behind(std::string_view text, std::string_view words, int base) {
  const std::size_t at = text.find(words);
  std::uint64_t out = 0;
  if (at != std::string_view::npos) std::from_chars(text.data() + at + words.size(), text.data() + text.size(), out, base);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void set_printed_name(std::string_view name, PrintedLock& out) {
  const std::size_t slash = name.rfind('/');
  unsigned subclass = 0;
  if (slash != std::string_view::npos && slash != 0 && parse_number(name.substr(slash + 1), 10, subclass) && subclass < 256) {
    out.subclass = static_cast<std::uint8_t>(subclass);
    name = name.substr(0, slash);
  }
  out.name = name;
  out.kind = kind_of(name);
}

bool parse_class(std::string_view& text, PrintedLock& out) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || trimmed(text.substr(0, open)) != "") return false;
  for (std::size_t close = text.find("){", open); close != std::string_view::npos; close = text.find("){", close + 1)) {
    std::size_t end = usage_end(text, close + 1);
    if (end == std::string_view::npos || close == open + 1) continue;
    set_printed_name(text.substr(open + 1, close - open - 1), out);
    out.usage = usage_bits(text.substr(close + 2, end - close - 2));
    std::string_view rest = text.substr(end + 1);
    unsigned outer = 0, inner = 0;
    if (rest.starts_with("-{")) {
      const std::size_t colon = rest.find(':'), stop = rest.find('}');
      if (colon != std::string_view::npos && stop != std::string_view::npos && colon < stop &&
          parse_number(rest.substr(2, colon - 2), 10, outer) && parse_number(rest.substr(colon + 1, stop - colon - 1), 10, inner)) {
        out.wait_outer = static_cast<std::uint8_t>(outer);
        out.wait_inner = static_cast<std::uint8_t>(inner);
        rest.remove_prefix(stop + 1);
      }
    }
    text = rest;
    return true;
  }
  return false;
}

bool parse_lock(std::string_view line, PrintedLock& out) {
  line = trimmed(line);
  std::string_view rest = line;
  const std::string_view word = first_word(line);
  if (all_of(word, "0123456789abcdefABCDEF") && word.size() >= 4) {
    parse_number(word, 16, out.address);
    rest.remove_prefix(word.size());
  } else if (word == "(____ptrval____)" || word == "(__ptrval__)") {
    rest.remove_prefix(word.size());
  }
  if (!parse_class(rest, out)) return false;
  if (const std::size_t at = rest.find("at: "); at != std::string_view::npos) {
    bool reliable = true;
    out.site = parse_frame(rest.substr(at + 4), reliable);
    if (out.site.empty()) out.site = trimmed(rest.substr(at + 4));
  }
  return true;
}

std::string parse_frame(std::string_view line, bool& reliable) {
  reliable = true;
  line = trimmed(line);
  if (line.starts_with("([<") && line.ends_with(")") && !has(line, " from ")) line = line.substr(1, line.size() - 2);   // s390's first and last
  // "[<c0112110>]", powerpc's "[c000000fe3a3b8a0] [c000000000b0a2b0]"
  while (line.starts_with("[")) {
    const std::size_t end = line.find(']');
    if (end == std::string_view::npos) return {};
    std::string_view address = line.substr(1, end - 1);
    if (address.starts_with("<") && address.ends_with(">")) address = trimmed(address.substr(1, address.size() - 2));
    if (!all_of(address, "0123456789abcdef") || address.size() < 8) return {};
    line = trimmed(line.substr(end + 1));
    if (line.empty()) return "0x" + std::string(address);
    if (line.starts_with(")")) line = trimmed(line.substr(1));
  }
  if (line.starts_with("? ")) {
    reliable = false;
    line = trimmed(line.substr(2));
  }
  // ARM: "(f+0x1/0x2) from [<c0..>] (g+0x3/0x4)", "f from g+0x3/0x4": g called f.
  if (const std::size_t from = line.find(" from "); from != std::string_view::npos && from < line.find("+0x", from)) {
    const std::string_view caller = trimmed(line.substr(from + 6));
    if (caller.starts_with("[<") || caller.find(' ') == std::string_view::npos || caller.find(" [") != std::string_view::npos || caller.ends_with(")")) {
      bool ignored = true;
      const std::string frame = parse_frame(caller, ignored);
      if (!frame.empty()) return frame;
    }
  }
  if (line.starts_with("(")) {
    const std::size_t end = line.find(')');
    if (end == std::string_view::npos) return {};
    line = line.substr(1, end - 1);
  }
  const std::string_view symbol = first_word(line);
  std::string_view rest = trimmed(line.substr(symbol.size()));
  const std::size_t plus = symbol.find('+');
  const bool sized = plus != std::string_view::npos && plus != 0 && symbol.substr(plus).starts_with("+0x") &&
                     all_of(symbol.substr(plus + 3), "0123456789abcdefx/");
  if (symbol.starts_with("0x") && symbol.size() > 4 && all_of(symbol.substr(2), "0123456789abcdef") && rest.empty()) return std::string(symbol);
  if (!sized && !is_symbol(symbol)) return {};
  std::string module, place;
  bool inlined = false;
  for (std::string_view word = first_word(rest); !rest.empty(); word = first_word(rest)) {
    if (word == "[inline]") inlined = true;
    else if (sized && word.starts_with("[") && word.size() > 2 && rest.substr(word.size()).find(']') < 48 && module.empty() && !word.ends_with("]")) {
      module = word.substr(1);   // "[nvme 1a2b3c4d]": with its build-id
      rest.remove_prefix(rest.find(']') + 1 - word.size());
    }
    else if (word.starts_with("[") && word.ends_with("]") && word.size() > 2) module = word.substr(1, word.size() - 2);
    else if (is_place(word) || (word.ends_with(")") && is_place(word.substr(0, word.size() - 1)))) {
      place = word.substr(0, word.size() - (word.ends_with(")") ? 1 : 0));   // of several the last is the function's own
    } else if (word.starts_with("(") && is_place(word.substr(1, word.size() - (word.ends_with(")") ? 2 : 1)))) {
      place = word.substr(1, word.size() - (word.ends_with(")") ? 2 : 1));
    } else if (word == "(discriminator" || (word.ends_with(")") && all_of(word.substr(0, word.size() - 1), "0123456789"))) {
    } else if (word == "(P)" || word == "(O)" || word == "(T)" || word == "(E)" || word == "(discriminator)") {
    } else if (!place.empty() && rest == word && is_symbol(word)) module = word;   // decode_stacktrace.sh puts it behind
    else if (sized) break;
    else return {};
    rest = trimmed(rest.substr(word.size()));
  }
  if (!sized && place.empty()) return {};
  std::string out(symbol);
  if (!module.empty()) out += " [" + module + "]";
  if (!place.empty()) out += " (" + place + ")";
  if (inlined) out += " [inline]";
  return out;
}

std::string parse_place(std::string_view text) {
  std::string_view word = first_word(text);
  if (word.starts_with("(")) word.remove_prefix(1);
  if (word.ends_with(")")) word.remove_suffix(1);
  if (!is_place(word)) return {};
  bool reliable = true;
  const std::string frame = parse_frame("f " + std::string(text), reliable);
  return frame.empty() ? frame : frame.substr(1);
}

std::string_view function_of(std::string_view site) {
  const std::string_view symbol = first_word(site).substr(0, first_word(site).find('+'));
  return is_symbol(symbol) ? symbol : std::string_view();
}

bool is_carrier(std::string_view function) {
  function = function.substr(0, function.find('.'));
  constexpr std::string_view kExact[] = {
      "dump_stack", "dump_stack_lvl", "show_stack", "dump_backtrace", "unwind_backtrace", "show_trace", "__dump_stack",
      "lock_acquire", "lock_acquired", "lock_release", "lock_contended", "lock_sync", "lock_downgrade", "validate_chain",
      "check_prev_add", "check_prevs_add", "check_noncircular", "check_deadlock", "check_irq_usage", "check_usage",
      "check_usage_forwards", "check_usage_backwards", "check_chain_key", "mark_lock", "mark_lock_irq", "mark_usage",
      "valid_state", "register_lock_class", "look_up_lock_class", "lockdep_rcu_suspicious", "lockdep_sys_exit",
      "debug_check_no_locks_freed", "debug_check_no_locks_held", "lockdep_init_map", "lockdep_init_map_type",
      "lockdep_init_map_waits", "__lockdep_init_map", "assign_lock_key", "check_wait_context", "__might_sleep",
      "___might_sleep", "__might_resched", "might_fault", "__might_fault", "__schedule_bug", "__schedule", "schedule",
      "warn_slowpath_common", "warn_slowpath_null", "warn_slowpath_fmt", "__warn", "report_bug", "__lock_release",
      "__lock_acquire", "reacquire_held_locks", "save_trace", "save_stack_trace", "lock_release_non_nested", "__mutex_unlock", "lock_set_class", "__lock_set_class",
      "down_read", "down_write", "down_read_nested", "down_write_nested", "down_write_killable", "down_read_killable",
      "downgrade_write", "up_read", "up_write", "mutex_unlock", "__mutex_unlock_slowpath", "percpu_down_read",
      "cpus_read_lock", "down_read_trylock", "down_write_trylock", "__down_read_common", "__down_write_common",
      "queued_spin_lock_slowpath", "lock_commit_crosslock", "complete", "commit_xhlocks", "add_xhlock"};
  constexpr std::string_view kFronts[] = {"print_", "show_trace", "spin_lock", "spin_trylock", "raw_spin_", "read_lock", "write_lock", "percpu_down_",
                                          "__down_", "mutex_trylock", "rcu_lock_acquire", "__mutex_lock", "mutex_lock", "_raw_", "__raw_", "_spin_", "__spin_",
                                          "_read_", "_write_", "rt_spin_", "rt_mutex_", "rt_read_", "rt_write_", "ww_mutex_lock",
                                          "rwsem_", "do_raw_", "pthread_", "__pthread_", "__interceptor_", "___interceptor_"};
  return std::find(std::begin(kExact), std::end(kExact), function) != std::end(kExact) ||
         std::any_of(std::begin(kFronts), std::end(kFronts), [&](std::string_view front) { return function.starts_with(front); });
}

bool is_free_function(std::string_view function) {
  function = function.substr(0, function.find('.'));
  constexpr std::string_view kExact[] = {
      "kfree", "kvfree", "kzfree", "vfree", "__vfree", "vunmap", "__vunmap", "kfree_sensitive", "kvfree_sensitive", "kmem_cache_free", "__kmem_cache_free",
      "kmem_cache_free_bulk", "kmem_freepages", "slab_free", "__slab_free", "do_slab_free", "slab_free_hook", "slab_free_freelist_hook", "__cache_free",
      "___cache_free", "cache_free_debugcheck", "__free_slab", "discard_slab", "free_large_kmalloc", "free_nonslab_page", "free_pages", "__free_pages",
      "__free_pages_ok", "free_pages_exact", "free_pages_prepare", "free_the_page", "free_hot_cold_page", "free_pcp_prepare", "free_unref_page",
      "free_unref_page_prepare", "free_unref_page_commit", "free_unref_folios", "free_frozen_pages", "__free_frozen_pages", "free_compound_page", "free", "cfree"};
  return std::find(std::begin(kExact), std::end(kExact), function) != std::end(kExact);
}

bool is_lock_function(std::string_view function) {
  function = function.substr(0, function.find('.'));
  constexpr std::string_view kFronts[] = {"mutex_lock", "__mutex_lock", "mutex_unlock", "__mutex_unlock", "_spin_", "_raw_", "_read_", "_write_",
                                          "down_read", "down_write", "up_read", "up_write", "rt_spin_", "rt_mutex_"};
  return std::any_of(std::begin(kFronts), std::end(kFronts), [&](std::string_view front) { return function.starts_with(front); });
}

bool is_allocation_function(std::string_view function) {
  function = function.substr(0, function.find('.'));
  constexpr std::string_view kFronts[] = {"kmalloc", "__kmalloc", "__do_kmalloc", "kzalloc", "kcalloc", "kvmalloc", "__kvmalloc", "kvzalloc", "krealloc", "vmalloc",
                                          "__vmalloc", "vzalloc", "kmem_cache_alloc", "__kmem_cache_alloc", "slab_alloc", "__slab_alloc", "___slab_alloc",
                                          "slab_pre_alloc_hook", "alloc_pages", "__alloc_pages", "__alloc_frozen_pages", "__get_free_page", "prepare_alloc_pages",
                                          "pcpu_alloc", "might_alloc"};
  return std::any_of(std::begin(kFronts), std::end(kFronts), [&](std::string_view front) { return function.starts_with(front); });
}

std::string own_place(const PrintedStack& stack, PassedOver what) {
  const auto passed_over = [what](std::string_view function) {
    return what == PassedOver::kFreeing ? is_free_function(function) : what == PassedOver::kAllocating && is_allocation_function(function);
  };
  for (const std::string& frame : stack)
    if (const std::string_view function = function_of(frame); !is_carrier(function) && !passed_over(function)) return frame;
  return stack.empty() ? std::string() : stack.front();
}

bool parse_task(std::string_view text, std::string_view before, PrintedContext& out) {
  const std::size_t end = before.empty() ? text.size() : text.find(before);
  if (end == std::string_view::npos) return false;
  const std::string_view who = text.substr(0, end);
  const std::size_t slash = who.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  std::string_view digits = who.substr(slash + 1);
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  if (!parse_number(digits, 10, out.tid)) return false;
  out.name = trimmed(who.substr(0, slash));
  return true;
}

bool parse_cpu_line(std::string_view line, PrintedContext& out, std::string& release) {
  line = trimmed(line);
  const bool old = line.starts_with("Pid: ");
  if (!old && !line.starts_with("CPU: ")) return false;
  const std::string_view number_at = old ? "Pid: " : "PID: ", name_at = old ? "comm: " : "Comm: ";
  const std::size_t number = line.find(number_at), name = line.find(name_at);
  if (number == std::string_view::npos || name == std::string_view::npos) return false;
  std::string_view digits = line.substr(number + number_at.size());
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  std::string_view comm = line.substr(name + name_at.size());
  const std::size_t clean = comm.find(" Not tainted"), tainted = comm.find(" Tainted");
  const std::size_t end = std::min(clean, tainted);
  if (!parse_number(digits, 10, out.tid)) return false;
  out.name = trimmed(comm.substr(0, end));
  if (end == std::string_view::npos) return true;
  // The release is the first word behind that begins with a digit and has a dot.
  std::string_view rest = comm.substr(end);
  for (std::string_view word = first_word(rest = trimmed(rest)); !rest.empty(); word = first_word(rest)) {
    if (std::isdigit(static_cast<unsigned char>(word.front())) && word.find('.') != std::string_view::npos) {
      release = word;
      break;
    }
    rest = trimmed(rest.substr(word.size()));
  }
  return true;
}

std::string interrupt_in(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower.find("softirq") != std::string::npos || lower.find("soft-") != std::string::npos) return "(softirq)";
  if (lower.find("hardirq") != std::string::npos || lower.find("hard-") != std::string::npos || lower.find("irq") != std::string::npos) return "(hardirq)";
  if (lower.find("reclaim_fs") != std::string::npos) return "(reclaim_fs)";
  return lower.find("signal") != std::string::npos ? "(signal)" : "";
}

bool parse_usage_word(std::string_view word, UsageWord& out) {
  word = trimmed(word);
  while (!word.empty() && (word.front() == '{' || word.front() == ' ')) word.remove_prefix(1);
  while (!word.empty() && (word.back() == '}' || word.back() == ' ')) word.remove_suffix(1);
  if (word.size() < 6) return false;
  out.interrupt = interrupt_in(word);
  out.inside = word.starts_with("IN-") || word.starts_with("in-");
  out.mode = word.ends_with("-R") ? Mode::kRead : Mode::kWrite;
  return !out.interrupt.empty() && (word.ends_with("-R") || word.ends_with("-W"));
}

PrintedLock interrupt_lock(const std::string& name) {
  PrintedLock out;
  out.name = name;
  out.kind = Kind::kInterrupt;
  return out;
}

}  // namespace crossdep::traces
