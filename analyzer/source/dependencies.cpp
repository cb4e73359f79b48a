// SPDX-License-Identifier: MIT
//
// See dependencies.h. What `main` does before it makes the first thread, and with threads it has joined, meets nobody.
//
// Threading: none.  Allocation: the heap.
#include "source/dependencies.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "reports/names.h"

namespace crossdep::source {
namespace {

using engine::Kind;

class Collector {
 public:
  explicit Collector(Program& program) : p_(program) {}

  Found collect() {
    gather_work();
    for (const FunctionId id : p_.roots()) gather_creates(p_.summary(id), p_.function(id).name == "main");
    // Threads make threads: until no new context appears.
    for (const FunctionId id : p_.roots())
      if (created_.count(id) == 0) add_context(id, {}, false, true);
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      const Start start = starts_[i];
      add_context(start.function, start.args, true, start.loop || starts_of(start.function) > 1);
    }
    name_kinds();
    for (std::size_t i = 0; i < summaries_.size(); ++i) go_over(i);
    own_sites();
    thread_ends();
    for (std::size_t i = 0; i < summaries_.size(); ++i) left_held(i);
    find_apart();
    std::sort(out_.sites.begin(), out_.sites.end(), [](const LockSite& a, const LockSite& b) {
      return std::tie(a.site.file, a.site.line, a.site.column, a.lock, a.operation, a.function) < std::tie(b.site.file, b.site.line, b.site.column, b.lock, b.operation, b.function);
    });
    out_.sites.erase(std::unique(out_.sites.begin(), out_.sites.end(), [](const LockSite& a, const LockSite& b) {
      return a.site.file == b.site.file && a.site.line == b.site.line && a.site.column == b.site.column && a.lock == b.lock && a.operation == b.operation;
    }), out_.sites.end());
    return std::move(out_);
  }

 private:
  struct Start {
    FunctionId function;
    std::vector<Values> args;
    bool loop;
    PlaceId handle;
    std::vector<PlaceId> live;     // when it was made
    bool by_main;
  };

  // With the ways that lead to them from here.
  template <typename Which>
  std::vector<Event> all_events(const Summary& summary, Which which) const {
    std::vector<Event> out;
    for (const Event& event : summary.events)
      if (which(event)) out.push_back(event);
    for (const Shared& one : summary.shared)
      if (which(p_.shared(one.event))) {
        out.push_back(p_.shared(one.event));
        out.back().chain = one.chain;
      }
    return out;
  }

  std::size_t starts_of(FunctionId id) const {
    return static_cast<std::size_t>(std::count_if(starts_.begin(), starts_.end(), [&](const Start& s) { return s.function == id; }));
  }

  void gather_creates(const Summary& summary, bool by_main = false) {
    for (const Event& event : all_events(summary, [](const Event& e) { return e.what == Event::What::kCreate; })) {
      for (const FunctionId id : p_.functions_in(event.values)) {
        created_.insert(id);
        if (event.place != kNoPlace) handles_[event.place].insert(id);
        const bool known = std::any_of(starts_.begin(), starts_.end(), [&](const Start& s) {
          return s.function == id && s.args == event.args && s.handle == event.place;
        });
        const bool loop = (event.flags & kFlagInLoop) != 0;
        if (known) {
          // Two places that make the same thread: it may be there twice.
          for (Start& s : starts_)
            if (s.function == id && s.args == event.args && s.handle == event.place && (loop || chains_of_[id].insert(event.chain).second)) s.loop = true;
          continue;
        }
        chains_of_[id].insert(event.chain);
        starts_.push_back({id, event.args, loop, event.place, event.live, by_main});
      }
    }
  }

  // Items and their functions, queues and what was put into them; by the classes' names.
  void gather_work() {
    const std::size_t functions = p_.functions().size();
    for (std::size_t i = 0; i < functions; ++i)
      for (const Event& event : all_events(p_.summary(static_cast<FunctionId>(i)), [](const Event& e) { return e.what == Event::What::kWorkInit || e.what == Event::What::kWorkQueue; })) {
        const std::string item = p_.class_name(event.place);
        if (item.empty()) continue;
        if (event.what == Event::What::kWorkInit) {
          for (const FunctionId id : p_.functions_in(event.values)) work_[item].insert(id);
          continue;
        }
        for (const Value& v : event.values) {
          const auto place = static_cast<PlaceId>(v.number);
          if (v.kind == Value::Kind::kAddress) queued_[p_.class_name(place)].insert(event.place);
          if (v.kind == Value::Kind::kContent) queued_[p_.class_name(p_.places().pointee(place))].insert(event.place);
        }
      }
  }

  // The functions of an item: told by an initialiser's call, or by the member that the kernel's macros set.
  std::set<FunctionId> functions_of_work(PlaceId item) {
    std::set<FunctionId> out;
    if (const auto at = work_.find(p_.class_name(item)); at != work_.end()) out = at->second;
    Places& places = p_.places();
    for (const auto& [record, member] : {std::pair{"work_struct", "func"}, {"timer_list", "function"}, {"hrtimer", "function"}, {"kthread_work", "func"}}) {
      const std::int32_t type = places.text(record);
      PlaceId holder = item;
      for (int inner = 0; inner < 2; ++inner) {
        bool anything = false;
        for (const FunctionId id : p_.functions_in(p_.content(places.member(holder, places.text(member), type), anything))) out.insert(id);
        holder = places.member(item, places.text("work"), places.text("delayed_work"));
      }
    }
    return out;
  }

  void add_context(FunctionId id, const std::vector<Values>& args, bool thread, bool many) {
    for (std::size_t i = 0; i < out_.contexts.size(); ++i) {
      if (out_.contexts[i].function != id || args_[i] != args) continue;
      out_.contexts[i].many = true;
      return;
    }
    const Function& f = p_.function(id);
    const bool is_main = f.name == "main" && !thread;
    ContextInfo context{id, f.name, thread, is_main ? false : many};
    out_.contexts.push_back(context);
    args_.push_back(args);
    summaries_.push_back(analyse_context(p_, id, args));
    p_.share(summaries_.back());
    if (is_main) main_ = static_cast<std::ptrdiff_t>(out_.contexts.size() - 1);
    if (thread || is_main) gather_creates(summaries_.back(), is_main);
  }

  ClassIndex class_of(PlaceId place, Kind kind) {
    const std::int32_t name = p_.class_of(place);
    if (name < 0) return -1;
    const auto [at, fresh] = named_.try_emplace({place, kind}, -1);
    if (fresh) at->second = class_named(reports::kind_tag(kind) + p_.places().text(name), kind, p_.places().exact(place) && p_.places().root(place) == PlaceKind::kGlobal);
    return at->second;
  }

  ClassIndex class_named(std::string name, Kind kind, bool single) {
    // A name that was given with its tag keeps it once.
    const std::string mark = reports::kind_tag(kind);
    if (!mark.empty() && name.rfind(mark + mark, 0) == 0) name.erase(0, mark.size());
    const auto [at, fresh] = class_ids_.try_emplace(name, static_cast<ClassIndex>(out_.classes.size()));
    if (fresh) out_.classes.push_back({name, kind, single});
    LockClassInfo& c = out_.classes[static_cast<std::size_t>(at->second)];
    c.single &= single;
    return at->second;
  }

  // An annotation of a wait tells no kind; the annotation that made the object does.
  void name_kinds() {
    for (const Summary& s : summaries_)
      p_.each_event(s, [&](const Event& event) {
        if (event.what == Event::What::kName && engine::is_crosslock(event.kind)) kinds_[p_.class_name(event.place)] = event.kind;
      });
  }

  void site(const Event& event, ClassIndex lock, const char* operation) {
    ChainId at = event.chain;
    if (at < 0) return;
    while (p_.chain(at).inner >= 0) at = p_.chain(at).inner;
    out_.sites.push_back({p_.chain(at).site, p_.chain(at).function, lock, event.mode, operation});
  }

  // Of all functions, also of requests that say nothing new to those who call them; of classes that some context has.
  void own_sites() {
    for (std::size_t i = 0; i < p_.functions().size(); ++i)
      for (const OwnSite& s : p_.summary(static_cast<FunctionId>(i)).sites) {
        Event event;
        event.place = s.place;
        event.kind = s.kind;
        event.mode = s.mode;
        event.chain = s.chain;
        const Kind kind = s.what == Event::What::kRequest ? s.kind : kind_of(event);
        const std::string name = p_.class_name(s.place);
        if (name.empty() || class_ids_.count(reports::kind_tag(kind) + name) == 0) continue;
        const ClassIndex lock = class_of(s.place, kind);
        if (lock >= 0) site(event, lock, s.what == Event::What::kRequest ? "acquire" : s.what == Event::What::kWait ? "wait" : "signal");
      }
  }

  std::vector<HeldClass> held_classes(const std::vector<HeldLock>& held) {
    std::vector<HeldClass> out;
    for (const HeldLock& lock : held) {
      const ClassIndex c = class_of(lock.place, lock.kind);
      if (c >= 0) out.push_back({c, lock.mode, lock.chain});
    }
    return out;
  }

  void surroundings(Occurrence& o, const Event& event) {
    const bool in_main = main_ >= 0 && o.context == static_cast<std::size_t>(main_);
    if (!in_main) return;
    o.threads = event.threads;
    for (const PlaceId handle : event.live)
      if (const auto at = handles_.find(handle); at != handles_.end())
        for (std::size_t i = 0; i < out_.contexts.size(); ++i)
          if (out_.contexts[i].thread && at->second.count(out_.contexts[i].function) != 0) o.live.push_back(i);
    // Threads without a known handle are never known to have ended.
    for (std::size_t i = 0; i < out_.contexts.size(); ++i) {
      if (!out_.contexts[i].thread) continue;
      const bool has_handle = std::any_of(handles_.begin(), handles_.end(), [&](const auto& entry) { return entry.second.count(out_.contexts[i].function) != 0; });
      if (!has_handle) o.live.push_back(i);
    }
  }

  void request(std::size_t context, const Event& event, ClassIndex to) {
    const std::vector<HeldClass> held = held_classes(event.held);
    for (std::size_t i = 0; i < event.held.size(); ++i) {
      const HeldLock& lock = event.held[i];
      const ClassIndex from = class_of(lock.place, lock.kind);
      if (from < 0) continue;
      if (from == to) {
        // That it is a recursive one may have come out late, when functions had told each other of this request already.
        if (lock.place == event.place && p_.is_recursive(event.place)) continue;
        nesting(context, event, lock, to);
        continue;
      }
      Occurrence o;
      o.from = from;
      o.to = to;
      o.from_mode = lock.mode;
      o.to_mode = event.mode;
      o.timed = (event.flags & kFlagTimed) != 0;
      o.may = event.may || lock.may;
      o.ordered = lock.ordered;
      o.context = context;
      o.from_chain = lock.chain;
      o.to_chain = event.chain;
      o.held = held;
      surroundings(o, event);
      keep(std::move(o));
    }
  }

  void nesting(std::size_t context, const Event& event, const HeldLock& lock, ClassIndex c) {
    if (engine::is_crosslock(out_.classes[static_cast<std::size_t>(c)].kind)) return;
    const Places& places = p_.places();
    Nesting n;
    n.lock = c;
    n.context = context;
    n.outer = lock.chain;
    n.inner = event.chain;
    n.mode = event.mode;
    n.address = lock.ordered;
    n.same_object = lock.place == event.place && (places.exact(event.place) || places.root(event.place) == PlaceKind::kParam);
    const auto fixed = [&](PlaceId place) {
      for (PlaceId id = place; id != kNoPlace; id = places.at(id).parent)
        if (places.at(id).kind == PlaceKind::kElement && places.at(id).index < 0) return false;
      return places.root(place) == PlaceKind::kGlobal;
    };
    if (!n.same_object && fixed(lock.place) && fixed(event.place)) {
      n.outer_place = lock.place;
      n.inner_place = event.place;
    }
    // Found by a pointer that lies in the object whose lock is held.
    PlaceId owner = places.at(lock.place).parent;
    for (PlaceId id = event.place; id != kNoPlace && owner != kNoPlace; id = places.at(id).parent)
      if (places.at(id).kind == PlaceKind::kPointee && places.inside(places.at(id).parent, owner)) n.ordered = true;
    out_.nestings.push_back(n);
  }

  // A library has thousands of functions that contexts may begin in, and most dependencies in most of them: the surest, with
  // the fewest other locks held and the shortest way, stand for all.
  void keep(Occurrence&& o) {
    constexpr std::size_t kOccurrences = 256;
    std::vector<std::size_t>& alike = alike_[{o.from, o.to, o.from_mode, o.to_mode, o.timed, o.context == static_cast<std::size_t>(main_)}];
    const auto rank = [&](const Occurrence& of) { return std::tuple{!of.threads, of.may, of.held.size(), p_.length(of.to_chain)}; };
    const auto later = [&](std::size_t a, std::size_t b) { return rank(out_.occurrences[a]) < rank(out_.occurrences[b]); };   // the last one first in the heap
    if (alike.size() < kOccurrences) {
      alike.push_back(out_.occurrences.size());
      out_.occurrences.push_back(std::move(o));
      std::push_heap(alike.begin(), alike.end(), later);
      return;
    }
    if (rank(o) >= rank(out_.occurrences[alike.front()])) return;
    std::pop_heap(alike.begin(), alike.end(), later);
    out_.occurrences[alike.back()] = std::move(o);
    std::push_heap(alike.begin(), alike.end(), later);
  }

  // X -> Y for every Y requested before X is released by this context.
  void releases(std::size_t context, ClassIndex x, ChainId release_chain, const Event& what, ClassIndex y, engine::Mode mode, ChainId request_chain,
                const std::vector<HeldClass>& held) {
    if (x < 0 || y < 0 || x == y) return;
    Occurrence o;
    o.from = x;
    o.to = y;
    o.to_mode = mode;
    o.event = true;
    o.context = context;
    o.from_chain = release_chain;
    o.to_chain = request_chain;
    o.held = held;
    surroundings(o, what);
    keep(std::move(o));
  }

  void go_over(std::size_t context) {
    for (const Event& event : all_events(summaries_[context], [](const Event&) { return true; })) {
      switch (event.what) {
        case Event::What::kRequest: {
          const ClassIndex to = class_of(event.place, event.kind);
          ++out_.requests;
          if (to < 0) break;
          site(event, to, "acquire");
          wanted_[to].insert(context);
          request(context, event, to);
          break;
        }
        case Event::What::kWait: {
          const ClassIndex to = class_of(event.place, kind_of(event));
          ++out_.requests;
          if (to < 0) break;
          site(event, to, "wait");
          request(context, event, to);
          if (kind_of(event) == Kind::kWork) wait_for_work(event.place, to);
          if (kind_of(event) == Kind::kWorkqueue)
            if (const auto queue = queued_.find(p_.class_name(event.place)); queue != queued_.end())
              for (const PlaceId item : queue->second) wait_for_work(item, to);
          break;
        }
        case Event::What::kJoin: {
          if (event.place == kNoPlace) {
            join_value(context, event);
            break;
          }
          const auto at = handles_.find(event.place);
          if (at == handles_.end()) break;
          for (const FunctionId id : at->second) {
            const ClassIndex to = class_named("(thread)" + p_.function(id).name, Kind::kThread, false);
            joined_[id] = to;
            request(context, event, to);
          }
          break;
        }
        case Event::What::kSignal: {
          const ClassIndex x = class_of(event.place, kind_of(event));
          if (x < 0) break;
          site(event, x, "signal");
          const std::vector<HeldClass> held = held_classes(event.held);
          // What is held now was requested before; of the rest only what came after this context's own wait for X.
          std::size_t first = 0;
          for (std::size_t i = 0; i < event.history.size(); ++i)
            if (class_of(event.history[i].place, event.history[i].kind) == x) first = i + 1;
          std::set<ClassIndex> done;
          for (const HeldLock& lock : event.held) {
            if (first != 0) break;
            const ClassIndex y = class_of(lock.place, lock.kind);
            if (!done.insert(y).second) continue;
            releases(context, x, event.chain, event, y, lock.mode, lock.chain, {});
          }
          for (std::size_t i = first; i < event.history.size(); ++i) {
            const ClassIndex y = class_of(event.history[i].place, event.history[i].kind);
            if (done.insert(y).second) releases(context, x, event.chain, event, y, event.history[i].mode, event.history[i].chain, {});
          }
          break;
        }
        case Event::What::kOperation: operation(context, event); break;
        default: break;
      }
    }
  }

  // As the engine does it (engine/operations.cpp): every lock held leads to it, where none is held the process does.
  void operation(std::size_t context, const Event& event) {
    for (const Value& v : event.values) {
      if (v.kind != Value::Kind::kString) continue;
      const ClassIndex to = class_named("(op)" + p_.places().text(static_cast<std::int32_t>(v.number)), Kind::kOperation, false);
      ++out_.requests;
      if (!held_classes(event.held).empty()) {
        request(context, event, to);
        continue;
      }
      Occurrence o;
      o.from = class_named("(process)", Kind::kProcess, false);
      o.to = to;
      o.context = context;
      o.to_chain = event.chain;
      surroundings(o, event);
      keep(std::move(o));
    }
  }

  Kind kind_of(const Event& event) const {
    const auto at = kinds_.find(p_.class_name(event.place));
    return at == kinds_.end() ? event.kind : at->second;
  }

  void wait_for_work(PlaceId item, ClassIndex x) {
    for (const FunctionId id : functions_of_work(item)) ends_of(id, x);
  }

  // A future or a thread known by what runs there, or a promise.
  void join_value(std::size_t context, const Event& event) {
    Values values;
    bool anything = false;
    for (const Value& v : event.values) {
      if (v.kind != Value::Kind::kContent) {
        add(values, v, anything);
        continue;
      }
      for (const Value& stored : p_.content(static_cast<PlaceId>(v.number), anything)) add(values, stored, anything);
    }
    const Kind kind = event.kind == Kind::kFuture ? Kind::kFuture : Kind::kThread;
    ++out_.requests;
    for (const FunctionId id : p_.functions_in(values)) {
      const ClassIndex to = class_named(reports::kind_tag(kind) + p_.function(id).name, kind, false);
      site(event, to, "wait");
      joined_[id] = to;
      request(context, event, to);
    }
    if (kind != Kind::kFuture) return;
    for (const Value& v : values) {
      if (v.kind != Value::Kind::kAddress) continue;
      const ClassIndex to = class_of(static_cast<PlaceId>(v.number), kind);
      if (to < 0) continue;
      site(event, to, "wait");
      request(context, event, to);
    }
  }

  // What this function's contexts request, they request before they end.
  void ends_of(FunctionId id, ClassIndex x) {
    if (!ended_.insert({id, x}).second) return;
    for (std::size_t i = 0; i < out_.contexts.size(); ++i) {
      if (out_.contexts[i].function != id) continue;
      for (const Event& event : all_events(summaries_[i], [](const Event& e) { return e.what == Event::What::kRequest || e.what == Event::What::kWait; })) {
        const ClassIndex y = class_of(event.place, event.what == Event::What::kWait ? kind_of(event) : event.kind);
        releases(i, x, -1, event, y, event.mode, event.chain, held_classes(event.held));
      }
    }
  }

  void left_held(std::size_t context) {
    const Summary& s = summaries_[context];
    const ContextInfo& who = out_.contexts[context];
    if (!who.thread || s.truncated || s.exits.empty() || p_.summary(who.function).truncated) return;
    for (const HeldLock& lock : s.exits.front().acquired) {
      const bool always = std::all_of(s.exits.begin(), s.exits.end(), [&](const Exit& exit) {
        return std::any_of(exit.acquired.begin(), exit.acquired.end(), [&](const HeldLock& h) { return h.place == lock.place && !h.may; });
      });
      const ClassIndex c = class_of(lock.place, lock.kind);
      if (!always || c < 0) continue;
      const std::set<std::size_t>& by = wanted_[c];
      if (who.many || by.size() > 1 || by.count(context) == 0) out_.left.push_back({c, lock.mode, context, lock.chain});
    }
  }

  void thread_ends() {
    const std::map<FunctionId, ClassIndex> joined = joined_;
    for (const auto& [id, x] : joined) ends_of(id, x);
  }

  void find_apart() {
    for (std::size_t a = 0; a < out_.contexts.size(); ++a)
      for (std::size_t b = a + 1; b < out_.contexts.size(); ++b) {
        const ContextInfo &x = out_.contexts[a], &y = out_.contexts[b];
        if (!x.thread || !y.thread || x.many || y.many) continue;
        const auto start = [&](FunctionId id) -> const Start* {
          const Start* found = nullptr;
          for (const Start& s : starts_)
            if (s.function == id) {
              if (found != nullptr) return nullptr;
              found = &s;
            }
          return found;
        };
        const Start *first = start(x.function), *second = start(y.function);
        if (first == nullptr || second == nullptr || !first->by_main || !second->by_main || first->handle == kNoPlace || second->handle == kNoPlace) continue;
        const auto there = [](const Start& when, const Start& who) { return std::find(when.live.begin(), when.live.end(), who.handle) != when.live.end(); };
        if (first->handle != second->handle && !there(*first, *second) && !there(*second, *first)) out_.apart.insert({a, b});
      }
  }

  Program& p_;
  Found out_;
  std::vector<Summary> summaries_;
  std::vector<std::vector<Values>> args_;
  std::vector<Start> starts_;
  std::set<FunctionId> created_;
  std::map<FunctionId, std::set<ChainId>> chains_of_;
  std::map<PlaceId, std::set<FunctionId>> handles_;
  std::map<std::string, std::set<FunctionId>> work_;
  std::map<std::string, std::set<PlaceId>> queued_;
  std::map<std::string, ClassIndex> class_ids_;
  std::map<std::pair<PlaceId, Kind>, ClassIndex> named_;
  std::map<ClassIndex, std::set<std::size_t>> wanted_;   // by which contexts
  std::map<std::string, Kind> kinds_;
  std::map<FunctionId, ClassIndex> joined_;
  std::set<std::pair<FunctionId, ClassIndex>> ended_;
  std::ptrdiff_t main_ = -1;
  using Alike = std::tuple<ClassIndex, ClassIndex, engine::Mode, engine::Mode, bool, bool>;
  std::map<Alike, std::vector<std::size_t>> alike_;      // heaps of occurrences
};

}  // namespace

Found find_dependencies(Program& program) { return Collector(program).collect(); }

}  // namespace crossdep::source
