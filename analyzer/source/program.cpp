// SPDX-License-Identifier: MIT
//
// See program.h. Strongly connected components by Tarjan's algorithm, without recursion of ours.
//
// Threading: none.  Allocation: the heap.
#include "source/program.h"

#include <algorithm>
#include <filesystem>

#include "rules/pattern.h"

namespace crossdep::source {
namespace {

constexpr unsigned kRounds = 3, kRepeats = 6;
constexpr std::size_t kKinds = 16, kLarge = 16, kMany = 100;
const std::vector<FunctionId> kNobody;

}  // namespace

ChainId Program::chain(FunctionId function, const Site& site, ChainId inner) {
  const auto hash = [](const ChainNode& node) {
    std::uint64_t out = static_cast<std::uint32_t>(node.inner);
    for (const std::uint64_t part : {std::uint64_t{static_cast<std::uint32_t>(node.function)}, std::uint64_t{node.site.file} << 32 | node.site.line, std::uint64_t{node.site.column}})
      out = (out ^ part) * 0x9e3779b97f4a7c15u, out ^= out >> 29;
    return out;
  };
  const auto put = [&](std::size_t at, auto same) -> ChainId& {
    const std::size_t mask = chain_ids_.size() - 1;
    while (chain_ids_[at & mask] >= 0 && !same(chain(chain_ids_[at & mask]))) ++at;
    return chain_ids_[at & mask];
  };
  if (2 * (chains_.size() + 1) > chain_ids_.size()) {
    chain_ids_.assign(std::max<std::size_t>(1024, 2 * chain_ids_.size()), -1);
    for (std::size_t i = 0; i < chains_.size(); ++i) put(hash(chains_[i]), [](const ChainNode&) { return false; }) = static_cast<ChainId>(i);
  }
  const ChainNode node{function, site, inner, length(inner) + 1};
  ChainId& id = put(hash(node), [&](const ChainNode& c) {
    return c.inner == inner && c.function == function && c.site.line == site.line && c.site.column == site.column && c.site.file == site.file;
  });
  if (id < 0) {
    id = static_cast<ChainId>(chains_.size());
    chains_.push_back(node);
  }
  return id;
}

std::int32_t Program::symbol(const std::string& key) {
  const auto [at, fresh] = symbol_ids_.try_emplace(key, static_cast<std::int32_t>(symbol_keys_.size()));
  if (fresh) symbol_keys_.push_back(key);
  return at->second;
}

const Symbol* Program::symbol_at(std::int32_t number) const {
  const auto at = symbols_.find(symbol_keys_[static_cast<std::size_t>(number)]);
  return at == symbols_.end() ? nullptr : &at->second;
}

void Program::add(Unit&& unit) {
  std::vector<std::uint32_t> file_of;
  for (const std::string& file : unit.files) {
    const auto [at, fresh] = file_ids_.try_emplace(file, static_cast<std::uint32_t>(files_.size()));
    if (fresh) files_.push_back(file);
    file_of.push_back(at->second);
  }
  const auto moved = [&](Site& site) { if (site.file < file_of.size()) site.file = file_of[site.file]; };
  for (Function& function : unit.functions) {
    moved(function.site);
    for (Block& block : function.blocks)
      for (Op& op : block.ops) moved(op.site);
    // An inline function of a header is the same in every unit.
    const auto known = defined_.find(function.key);
    if (known != defined_.end() && std::any_of(known->second.begin(), known->second.end(), [&](FunctionId id) {
          const Site& site = functions_[static_cast<std::size_t>(id)].site;
          return site.file == function.site.file && site.line == function.site.line && site.column == function.site.column;
        }))
      continue;
    const auto id = static_cast<FunctionId>(functions_.size());
    defined_[function.key].push_back(id);
    by_name_[function.name].push_back(id);
    functions_.push_back(std::move(function));
  }
  for (Symbol& s : unit.symbols) symbols_.try_emplace(s.key, std::move(s));
  for (Initial& initial : unit.initials) initials_.push_back(std::move(initial));
  for (Declared& d : unit.declared) {
    moved(d.site);
    declared_.push_back(std::move(d));
  }
  for (Unmodelled& u : unit.unmodelled) {
    moved(u.first);
    auto [at, fresh] = unmodelled_.try_emplace(u.key, u);
    if (!fresh) at->second.calls += u.calls;
  }
}

const std::vector<FunctionId>& Program::defined(const std::string& key) const {
  if (!key.empty() && key[0] == '?') {   // by its plain name, see lower_stmt.cpp
    const auto at = by_name_.find(key.substr(1));
    return at == by_name_.end() ? kNobody : at->second;
  }
  const auto at = defined_.find(key);
  return at == defined_.end() ? kNobody : at->second;
}

const std::vector<FunctionId>& Program::overriders(const std::string& key) const {
  const auto at = overriders_.find(key);
  return at == overriders_.end() ? kNobody : at->second;
}

std::int32_t Program::operation(const std::string& key) {
  if (watched_.empty()) return -1;
  const auto [at, fresh] = operations_.try_emplace(key, -1);
  if (!fresh) return at->second;
  const auto s = symbols_.find(key);
  if (s != symbols_.end() && std::any_of(watched_.begin(), watched_.end(), [&](const std::string& p) { return rules::is_function(p, s->second.name); }))
    at->second = places_.text(s->second.name);
  return at->second;
}

bool Program::has_lock_effect(const std::string& key) const {
  for (const FunctionId id : defined(key)) {
    const Summary& s = summary(id);
    // What a model would add now, functions that call each other would tell each other for good.
    if (!fresh_.made(id)) return true;
    bool any = false;
    each_event(s, [&](const Event& event) { any |= event.what != Event::What::kStore && event.what != Event::What::kName; });
    if (any) return true;
    for (const Exit& exit : s.exits)
      if (!exit.acquired.empty() || !exit.released.empty()) return true;
  }
  return false;
}

const Summary& Program::summary(FunctionId id, const std::vector<Values>& args) {
  const Summary& plain = summary(id);
  const auto differs = [&](const Exit& exit) {
    const Exit& first = plain.exits.front();
    return exit.released != first.released || !std::equal(exit.acquired.begin(), exit.acquired.end(), first.acquired.begin(), first.acquired.end(),
                                                          [](const HeldLock& a, const HeldLock& b) { return a.same_as(b); });
  };
  if (plain.exits.size() < 2 || std::none_of(plain.exits.begin(), plain.exits.end(), differs)) return plain;
  std::vector<std::pair<std::int32_t, std::int64_t>> numbers;
  const std::int32_t parameters = std::min(function(id).parameters, static_cast<std::int32_t>(args.size()));
  for (std::int32_t i = 0; i < parameters; ++i)
    if (const Values& given = args[static_cast<std::size_t>(i)]; given.size() == 1 && given[0].kind == Value::Kind::kConst) numbers.emplace_back(i, given[0].number);
  if (numbers.empty()) return plain;
  const auto key = std::pair{id, std::move(numbers)};
  if (const auto at = for_numbers_.find(key); at != for_numbers_.end()) return at->second;
  if (kinds_of_[id] >= kKinds || !in_progress_.insert(id).second) return plain;
  ++kinds_of_[id];
  fresh_.has_variants(id);
  Summary made = analyse_function(*this, id, key.second);
  share(made);
  in_progress_.erase(id);
  return for_numbers_.emplace(key, std::move(made)).first->second;
}

const Summary& Program::for_caller(FunctionId id, FunctionId caller, const Summary& summary) const {
  const auto at = static_cast<std::size_t>(id);
  return large_[at] >= 0 && large_[at] == large_[static_cast<std::size_t>(caller)] ? wide_[at] : summary;
}

void Program::share(Summary& summary) {
  std::vector<Event> own;
  for (Event& event : summary.events) {
    if (!event.closed) {
      own.push_back(std::move(event));
      continue;
    }
    const auto [at, fresh] = shared_ids_.try_emplace(event.digest, static_cast<std::int32_t>(shared_.size()));
    summary.shared.push_back({at->second, event.chain});
    if (fresh) shared_.push_back(std::move(event));
  }
  own.shrink_to_fit();
  summary.shared.shrink_to_fit();
  summary.events = std::move(own);
}

std::string Program::class_name(PlaceId id) const {
  if (id == kNoPlace) return {};
  if (const auto at = names_.find(id); at != names_.end()) return at->second;
  if (const PlaceId general = generalised(id); general != kNoPlace && !places_.exact(id)) {
    if (const auto at = names_.find(general); at != names_.end()) return at->second;
  }
  std::string path;
  for (;; id = places_.at(id).parent) {
    const Place& place = places_.at(id);
    switch (place.kind) {
      case PlaceKind::kMember: {
        path = "." + places_.text(place.number) + path;
        PlaceId above = place.parent;
        while (places_.at(above).kind == PlaceKind::kElement) above = places_.at(above).parent;
        const Place& parent = places_.at(above);
        const bool by_pointer = parent.kind == PlaceKind::kParam || parent.kind == PlaceKind::kPointee || parent.kind == PlaceKind::kOfType ||
                                parent.kind == PlaceKind::kLocal;
        if (by_pointer) return (place.record >= 0 ? places_.text(place.record) : std::string("?")) + "::" + path.substr(1);
        break;
      }
      case PlaceKind::kElement: {
        const bool one = place.index >= 0 && varying_.count(place.parent) == 0;
        path = (one ? "[" + std::to_string(place.index) + "]" : "[]") + path;
        break;
      }
      case PlaceKind::kGlobal: {
        const Symbol* s = symbol_at(place.number);
        if (s == nullptr) return symbol_keys_[static_cast<std::size_t>(place.number)] + path;
        return (s->file.empty() ? "" : std::filesystem::path(s->file).filename().string() + ":") + s->name + path;
      }
      case PlaceKind::kLocal: {
        const Function& f = function(place.number);
        const Variable& v = f.variables[static_cast<std::size_t>(place.index)];
        if (place.index < f.parameters || v.name.empty()) return {};   // a parameter passed by value
        return f.name + ":" + v.name + path;
      }
      case PlaceKind::kPointee: {
        // The lock a pointer leads to is known by the pointer.
        const std::string cell = class_name(place.parent);
        return cell.empty() ? std::string() : "*" + cell + path;
      }
      case PlaceKind::kParam:
      case PlaceKind::kOfType:
        return {};
    }
  }
}

std::int32_t Program::class_of(PlaceId place) const {
  constexpr std::int32_t kNotAsked = -2;
  if (place == kNoPlace) return -1;
  const auto at = static_cast<std::size_t>(place);
  if (at >= class_ids_.size()) class_ids_.resize(std::max(at + 1, 2 * class_ids_.size()), kNotAsked);
  if (class_ids_[at] == kNotAsked) {
    const std::string name = class_name(place);
    class_ids_[at] = name.empty() ? -1 : places_.text(name);
  }
  return class_ids_[at];
}

std::vector<FunctionId> Program::functions_in(const Values& values) const {
  std::vector<FunctionId> out;
  for (const Value& value : values)
    if (value.kind == Value::Kind::kFunction)
      for (const FunctionId id : defined(symbol_keys_[static_cast<std::size_t>(value.number)])) out.push_back(id);
  return out;
}

std::vector<Unmodelled> Program::unmodelled() const {
  std::vector<Unmodelled> out;
  for (const auto& [key, u] : unmodelled_)
    if (defined(key).empty()) out.push_back(u);
  return out;
}

void Program::link() {
  std::unordered_map<std::string, std::vector<std::string>> directly;
  for (const Function& f : functions_)
    for (const std::string& over : f.overrides) directly[over].push_back(f.key);
  for (const auto& [key, unused] : directly) {
    std::vector<std::string> todo{key};
    std::set<std::string> seen;
    while (!todo.empty()) {
      const std::string at = todo.back();
      todo.pop_back();
      if (!seen.insert(at).second) continue;
      if (const auto below = directly.find(at); below != directly.end()) todo.insert(todo.end(), below->second.begin(), below->second.end());
    }
    for (const std::string& one : seen)
      if (one != key)
        for (const FunctionId id : defined(one)) overriders_[key].push_back(id);
  }
  for (const Initial& initial : initials_) {
    PlaceId place = places_.intern({PlaceKind::kGlobal, kNoPlace, symbol(initial.global), -1, -1});
    bool is_recursive = false;
    for (const auto& [member, record] : initial.path) {
      if (member == "$recursive") is_recursive = true;
      else if (member[0] == '[') place = places_.element(place, std::atoi(member.c_str() + 1));
      else place = places_.member(place, places_.text(member), places_.text(record));
    }
    if (is_recursive) recursive(place);
    else if (!initial.function.empty()) store(place, {{Value::Kind::kFunction, symbol(initial.function)}});
    else if (!initial.object.empty()) store(place, {{Value::Kind::kAddress, places_.intern({PlaceKind::kGlobal, kNoPlace, symbol(initial.object), -1, -1})}});
  }
  summaries_.resize(functions_.size());
  fresh_.resize(functions_.size());
}

std::vector<std::vector<FunctionId>> Program::components() const {
  const std::size_t n = functions_.size();
  std::vector<std::vector<FunctionId>> calls(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (const Block& block : functions_[i].blocks)
      for (const Op& op : block.ops) {
        if (!op.callee.empty()) {
          for (const FunctionId id : defined(op.callee)) calls[i].push_back(id);
          if ((op.flags & kFlagVirtual) != 0)
            for (const FunctionId id : overriders(op.callee)) calls[i].push_back(id);
        }
      }
    for (const Expr& e : functions_[i].exprs)   // what is called through a pointer was named somewhere
      if (e.kind == ExprKind::kFunction)
        for (const FunctionId id : defined(e.name)) calls[i].push_back(id);
  }
  std::vector<std::vector<FunctionId>> out;
  std::vector<int> index(n, -1), low(n, 0);
  std::vector<bool> on_stack(n, false);
  std::vector<FunctionId> stack;
  int next = 0;
  struct Frame { FunctionId at; std::size_t edge; };
  for (std::size_t begin = 0; begin < n; ++begin) {
    if (index[begin] >= 0) continue;
    std::vector<Frame> frames{{static_cast<FunctionId>(begin), 0}};
    while (!frames.empty()) {
      Frame& frame = frames.back();
      const auto v = static_cast<std::size_t>(frame.at);
      if (frame.edge == 0 && index[v] < 0) {
        index[v] = low[v] = next++;
        stack.push_back(frame.at);
        on_stack[v] = true;
      }
      if (frame.edge < calls[v].size()) {
        const auto w = static_cast<std::size_t>(calls[v][frame.edge++]);
        if (index[w] < 0) frames.push_back({static_cast<FunctionId>(w), 0});
        else if (on_stack[w]) low[v] = std::min(low[v], index[w]);
        continue;
      }
      if (low[v] == index[v]) {
        std::vector<FunctionId>& component = out.emplace_back();
        for (FunctionId w = -1; w != frame.at;) {
          w = stack.back();
          stack.pop_back();
          on_stack[static_cast<std::size_t>(w)] = false;
          component.push_back(w);
        }
        std::sort(component.begin(), component.end());
      }
      frames.pop_back();
      if (!frames.empty()) {
        const auto parent = static_cast<std::size_t>(frames.back().at);
        low[parent] = std::min(low[parent], low[v]);
      }
    }
  }
  return out;
}

bool Program::calls_itself(FunctionId id) const {
  const Function& f = function(id);
  const auto mine = [&](const std::vector<FunctionId>& called) { return std::find(called.begin(), called.end(), id) != called.end(); };
  for (const Block& block : f.blocks)
    for (const Op& op : block.ops)
      if (!op.callee.empty() && (mine(defined(op.callee)) || ((op.flags & kFlagVirtual) != 0 && mine(overriders(op.callee))))) return true;
  return std::any_of(f.exprs.begin(), f.exprs.end(), [&](const Expr& e) { return e.kind == ExprKind::kFunction && mine(defined(e.name)); });
}

// Makes the summary of a function, unless the one there is would come out again.
bool Program::make(FunctionId id) {
  if (!fresh_.stale(id)) return false;
  fresh_.begin(id);
  Summary made = analyse_function(*this, id);
  const auto at = static_cast<std::size_t>(id);
  if (made.events.size() > kMany) made = widened(*this, id, std::move(made));
  fresh_.end(made);
  if (large_[at] >= 0) {
    wide_[at] = widened(*this, id, Summary(made));
    share(wide_[at]);
  }
  share(made);
  summaries_[at] = std::move(made);
  return true;
}

// What is known of the memory of the whole program from what a function does.
void Program::take_facts(const Summary& summary) {
  each_event(summary, [&](const Event& event) {
    if (event.place == kNoPlace) return;
    if (event.what == Event::What::kStore) note_own(event.place, event.values);
    if (places_.root(event.place) == PlaceKind::kParam) {
      // Which object it is, a caller knows; that objects of this record may lead to the function, is known here.
      const PlaceId general = event.what == Event::What::kStore ? generalised(event.place) : kNoPlace;
      Values functions;
      for (const Value& v : event.values)
        if (v.kind == Value::Kind::kFunction) functions.push_back(v);
      if (general != kNoPlace && !functions.empty()) store(general, functions);
      return;
    }
    if (event.what == Event::What::kStore) {
      Values fixed;
      bool open = event.values.empty();
      for (const Value& v : event.values) {
        const bool relative = v.kind == Value::Kind::kParameter ||
                              ((v.kind == Value::Kind::kAddress || v.kind == Value::Kind::kContent) && places_.root(static_cast<PlaceId>(v.number)) == PlaceKind::kParam);
        if (!relative) fixed.push_back(v);
      }
      if (!fixed.empty() || open) store(event.place, fixed);
    } else if (event.what == Event::What::kName) {
      for (const Value& v : event.values)
        if (v.kind == Value::Kind::kString) {
          name(event.place, places_.text(static_cast<std::int32_t>(v.number)));
          if (const PlaceId general = generalised(event.place); general != kNoPlace) name(general, places_.text(static_cast<std::int32_t>(v.number)));
        }
    } else if (event.what == Event::What::kRecursive) {
      recursive(event.place);
      if (const PlaceId general = generalised(event.place); general != kNoPlace) recursive(general);
    }
  });
}

// False: nothing was stale.
bool Program::round(const std::vector<std::vector<FunctionId>>& components) {
  for_numbers_.clear();
  kinds_of_.clear();
  bool any = false;
  for (const std::vector<FunctionId>& component : components) {
    // Callees come first: only what calls itself, by whatever way, has to be gone through again.
    const bool repeats = component.size() > 1 || calls_itself(component.front());
    in_progress_.insert(component.begin(), component.end());   // not final yet
    std::set<FunctionId> made;
    for (unsigned repeat = 0; repeat < (repeats ? kRepeats : 1u); ++repeat) {
      bool again = false;
      for (const FunctionId id : component)
        if (make(id)) again = true, made.insert(id);
      if (!again) break;
    }
    in_progress_.clear();
    for (const FunctionId id : made) {
      take_facts(summaries_[static_cast<std::size_t>(id)]);
      take_facts(wide_[static_cast<std::size_t>(id)]);
    }
    any |= !made.empty();
  }
  return any;
}

void Program::find_roots() {
  // Everything nobody calls; of what only calls itself, one.
  std::set<FunctionId> called = called_;
  for (std::size_t i = 0; i < functions_.size(); ++i)
    if (called.count(static_cast<FunctionId>(i)) == 0) roots_.push_back(static_cast<FunctionId>(i));
  for (const std::vector<FunctionId>& component : components()) {
    if (component.size() < 2) continue;
    bool from_outside = false;
    for (std::size_t i = 0; i < functions_.size() && !from_outside; ++i) {
      if (std::find(component.begin(), component.end(), static_cast<FunctionId>(i)) != component.end()) continue;
      for (const Block& block : functions_[i].blocks)
        for (const Op& op : block.ops)
          for (const FunctionId id : defined(op.callee)) from_outside |= std::find(component.begin(), component.end(), id) != component.end();
    }
    if (!from_outside) roots_.push_back(component.front());
  }
  std::sort(roots_.begin(), roots_.end());
  roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());
}

void Program::analyse() {
  link();
  const std::vector<std::vector<FunctionId>> parts = components();
  large_.assign(functions_.size(), -1);
  wide_.resize(functions_.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i].size() >= kLarge)
      for (const FunctionId id : parts[i]) large_[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(i);
  for (unsigned i = 0; i < kRounds; ++i)
    if (!round(parts)) break;
  find_roots();
  // Of no more use: contexts are made from the summaries alone.
  fresh_ = Freshness();
  for_numbers_.clear();
  large_.assign(functions_.size(), -1);
  wide_ = {};
}

}  // namespace crossdep::source
