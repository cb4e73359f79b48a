// SPDX-License-Identifier: MIT
//
// libclang's C API in the few forms the lowering needs: children as a vector, texts as strings, names without template
// arguments and inline namespaces, types without typedefs.
//
// Threading: none; one translation unit belongs to one thread.  Allocation: the heap.
#pragma once

#include <clang-c/Index.h>

#include <string>
#include <vector>

namespace crossdep::source {

std::string text_of(CXString string);   // and gives the string back
std::vector<CXCursor> children(CXCursor cursor);

struct Extent {
  unsigned begin = 0, end = 0;          // offsets in the preprocessed text
};
Extent extent(CXCursor cursor);

/// Without what libclang shows as "unexposed" with a single child (implicit casts and the like), and parentheses.
CXCursor peeled(CXCursor cursor);

/// "ns::Class::member"; no template arguments, no inline or anonymous namespaces.
std::string qualified_name(CXCursor declaration);

/// The record behind a type, through typedefs, qualifiers and references; empty if it is none.
std::string record_name(CXType type);
/// Of the type a pointer (or array) leads to.
std::string pointee_record(CXType type);
/// Of a record's declaration; a nameless record has its typedef's name.
std::string record_of_declaration(CXCursor declaration);

CXType plain_type(CXType type);         // canonical, no reference
bool is_pointer(CXType type);
bool is_array(CXType type);
bool is_reference(CXType type);
bool is_record(CXType type);
bool in_system_header(CXCursor cursor);

}  // namespace crossdep::source
