// SPDX-License-Identifier: MIT
//
// See object_path.h. Variables with a fixed address are taken from units, namespaces and functions; types are followed
// through typedefs and qualifiers, base classes and nameless members add no word to the path.
//
// Threading and allocation: see object_path.h.
#include "symbols/object_path.h"

#include <dwarf.h>

#include <vector>

namespace crossdep::symbols {
namespace {

std::optional<std::uint64_t> number(Dwarf_Die* die, unsigned attribute_name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr_integrate(die, attribute_name, &attribute), &value) != 0) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> size_of(Dwarf_Die* type) {
  Dwarf_Word size = 0;
  if (dwarf_aggregate_size(type, &size) != 0 || size == 0) return std::nullopt;
  return size;
}

/// The type of a variable or member, what of an array: without typedefs and qualifiers.
bool type_of(Dwarf_Die* die, Dwarf_Die* out) {
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), &type) != nullptr && dwarf_peel_type(&type, out) == 0;
}

template <typename Visit>
void each_child(Dwarf_Die* parent, Visit visit) {
  Dwarf_Die child;
  if (dwarf_child(parent, &child) != 0) return;
  do {
    if (!visit(&child)) return;
  } while (dwarf_siblingof(&child, &child) == 0);
}

/// An array's element at `offset`, of all its dimensions: "[1][2]"; `offset` becomes that within the element.
bool enter_array(Dwarf_Die& type, std::uint64_t& offset, std::string& path) {
  std::vector<std::uint64_t> counts;
  each_child(&type, [&counts](Dwarf_Die* child) {
    if (dwarf_tag(child) != DW_TAG_subrange_type) return true;
    if (const auto count = number(child, DW_AT_count)) counts.push_back(*count);
    else if (const auto last = number(child, DW_AT_upper_bound)) counts.push_back(*last + 1);
    else counts.push_back(0);
    return true;
  });
  Dwarf_Die element;
  if (counts.empty() || !type_of(&type, &element)) return false;
  const auto size = size_of(&element);
  if (!size) return false;
  std::uint64_t index = offset / *size;
  std::vector<std::uint64_t> indices(counts.size());
  for (std::size_t i = counts.size(); i-- > 1;) {   // the last one varies first; the first may be open
    if (counts[i] == 0) return false;
    indices[i] = index % counts[i];
    index /= counts[i];
  }
  indices[0] = index;
  if (counts[0] != 0 && index >= counts[0]) return false;
  for (const std::uint64_t i : indices) path += '[' + std::to_string(i) + ']';
  offset %= *size;
  type = element;
  return true;
}

/// The member, or base class, that holds `offset`.
bool enter_member(Dwarf_Die& type, std::uint64_t& offset, std::string& path) {
  bool found = false;
  Dwarf_Die next = type;
  std::uint64_t within = 0;
  std::string name;
  each_child(&type, [&](Dwarf_Die* child) {
    const int tag = dwarf_tag(child);
    if (tag != DW_TAG_member && tag != DW_TAG_inheritance) return true;
    const std::uint64_t begin = number(child, DW_AT_data_member_location).value_or(0);
    Dwarf_Die member;
    if (begin > offset || dwarf_hasattr(child, DW_AT_external) || !type_of(child, &member)) return true;
    const auto size = size_of(&member);
    if (!size || offset - begin >= *size) return true;
    const char* word = tag == DW_TAG_member ? dwarf_diename(child) : nullptr;
    name = word == nullptr ? std::string() : std::string(".") + word;
    within = offset - begin;
    next = member;
    found = true;
    return false;
  });
  if (!found) return false;
  path += name;
  offset = within;
  type = next;
  return true;
}

bool is_record(int tag) { return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type; }

}  // namespace

void ObjectPaths::read_variable(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (dwarf_attr(die, DW_AT_location, &attribute) == nullptr || dwarf_getlocation(&attribute, &operations, &count) != 0) return;
  Dwarf_Die type;
  if (count == 1 && operations[0].atom == DW_OP_addr && type_of(die, &type)) types_.emplace(operations[0].number, type);
}

void ObjectPaths::read_children(Dwarf_Die* parent) {
  each_child(parent, [this](Dwarf_Die* child) {
    switch (dwarf_tag(child)) {
      case DW_TAG_variable: read_variable(child); break;
      case DW_TAG_namespace:
      case DW_TAG_subprogram:
      case DW_TAG_lexical_block: read_children(child); break;
      default: break;
    }
    return true;
  });
}

void ObjectPaths::read(Dwarf* debug) {
  read_ = true;
  Dwarf_Off offset = 0, next = 0;
  std::size_t header = 0;
  while (dwarf_nextcu(debug, offset, &next, &header, nullptr, nullptr, nullptr) == 0) {
    Dwarf_Die unit;
    if (dwarf_offdie(debug, offset + header, &unit) != nullptr) read_children(&unit);
    offset = next;
  }
}

std::optional<std::string> ObjectPaths::path(Dwarf* debug, std::uint64_t object, std::uint64_t offset) {
  if (!read_) read(debug);
  const auto found = types_.find(object);
  if (found == types_.end()) return std::nullopt;
  Dwarf_Die type = found->second;
  std::string path;
  for (;;) {
    const int tag = dwarf_tag(&type);
    if (tag == DW_TAG_array_type) {
      if (!enter_array(type, offset, path)) return std::nullopt;
    } else if (offset == 0) {
      return path;
    } else if (!is_record(tag) || !enter_member(type, offset, path)) {
      return std::nullopt;
    }
  }
}

}  // namespace crossdep::symbols
