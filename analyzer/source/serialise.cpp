// SPDX-License-Identifier: MIT
//
// See serialise.h. One list of fields per structure serves both directions. Numbers are varints (zigzag), texts and lists
// carry their length; an end mark closes the unit.
//
// Threading: pure functions.  Allocation: the heap.
#include "source/serialise.h"

#include <type_traits>

namespace crossdep::source {
namespace {

constexpr std::int64_t kEndMark = 0x5ca9;

class Writer {
 public:
  void number(std::int64_t value) {
    auto bits = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    while (bits >= 0x80) {
      out.push_back(static_cast<char>(bits | 0x80));
      bits >>= 7;
    }
    out.push_back(static_cast<char>(bits));
  }
  template <typename Number>
    requires(std::is_integral_v<Number> || std::is_enum_v<Number>)
  void operator()(Number& value) { number(static_cast<std::int64_t>(value)); }
  void operator()(std::string& text) {
    number(static_cast<std::int64_t>(text.size()));
    out += text;
  }
  template <typename Entry>
  void operator()(std::vector<Entry>& list) {
    number(static_cast<std::int64_t>(list.size()));
    for (Entry& entry : list) one(entry);
  }
  template <typename Entry>
  void one(Entry& entry);

  std::string out;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::int64_t number() {
    std::uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ >= bytes_.size()) break;
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      bits |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
    }
    good = false;
    return 0;
  }
  template <typename Number>
    requires(std::is_integral_v<Number> || std::is_enum_v<Number>)
  void operator()(Number& value) { value = static_cast<Number>(number()); }
  void operator()(std::string& text) {
    const std::size_t size = length();
    text.assign(bytes_.substr(at_, size));
    at_ += size;
  }
  template <typename Entry>
  void operator()(std::vector<Entry>& list) {
    list.clear();
    const std::size_t size = length();   // every entry is at least a byte
    for (std::size_t i = 0; i < size && good; ++i) one(list.emplace_back());
  }
  template <typename Entry>
  void one(Entry& entry);
  bool at_end() const { return at_ == bytes_.size(); }

  bool good = true;

 private:
  std::size_t length() {
    const std::int64_t size = number();
    if (size >= 0 && static_cast<std::uint64_t>(size) <= bytes_.size() - at_) return static_cast<std::size_t>(size);
    good = false;
    return 0;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

template <typename A> void fields(A& a, Site& s) { a(s.file), a(s.line), a(s.column); }
template <typename A> void fields(A& a, Expr& e) { a(e.kind), a(e.a), a(e.b), a(e.number), a(e.name), a(e.type); }
template <typename A> void fields(A& a, Op& o) {
  a(o.kind), a(o.lock_kind), a(o.mode), a(o.flags), a(o.object), a(o.other), a(o.args), a(o.var), a(o.result), a(o.number), a(o.callee);
  fields(a, o.site);
}
template <typename A> void fields(A& a, Block& b) { a(b.ops), a(b.condition), a(b.next), a(b.value), a(b.avoided), a(b.stops); }
template <typename A> void fields(A& a, Variable& v) { a(v.name), a(v.type), a(v.outer); }
template <typename A> void fields(A& a, Function& f) {
  a(f.key), a(f.name), a(f.outer), fields(a, f.site), a(f.is_static), a(f.is_virtual), a(f.parameters), a(f.has_this);
  a(f.variables), a(f.exprs), a(f.blocks), a(f.overrides);
}
template <typename A> void fields(A& a, Symbol& s) { a(s.key), a(s.name), a(s.type), a(s.file), a(s.is_function); }
template <typename A> void fields(A& a, std::pair<std::string, std::string>& p) { a(p.first), a(p.second); }
template <typename A> void fields(A& a, Initial& i) { a(i.global), a(i.path), a(i.function), a(i.object); }
template <typename A> void fields(A& a, Unmodelled& u) { a(u.key), a(u.name), a(u.calls), fields(a, u.first); }
template <typename A> void fields(A& a, Declared& d) {
  a(d.first.record), a(d.first.member), a(d.first.symbol), a(d.then.record), a(d.then.member), a(d.then.symbol), fields(a, d.site);
}
template <typename A> void fields(A& a, Unit& u) {
  a(u.file), a(u.files), a(u.functions), a(u.symbols), a(u.initials), a(u.unmodelled), a(u.declared), a(u.failure);
}

template <typename Entry>
void Writer::one(Entry& entry) {
  if constexpr (std::is_class_v<Entry> && !std::is_same_v<Entry, std::string>) fields(*this, entry);
  else (*this)(entry);
}
template <typename Entry>
void Reader::one(Entry& entry) {
  if constexpr (std::is_class_v<Entry> && !std::is_same_v<Entry, std::string>) fields(*this, entry);
  else (*this)(entry);
}

}  // namespace

std::string serialise(const Unit& unit) {
  Writer writer;
  Unit copy = unit;   // the list of fields is the reader's, which changes what it is given
  fields(writer, copy);
  writer.number(kEndMark);
  return std::move(writer.out);
}

bool deserialise(std::string_view bytes, Unit& out) {
  Reader reader(bytes);
  fields(reader, out);
  return reader.number() == kEndMark && reader.good && reader.at_end();
}

}  // namespace crossdep::source
