// SPDX-License-Identifier: MIT
//
// See cursor.h.
//
// Threading: as cursor.h.  Allocation: the heap.
#include "source/cursor.h"

namespace crossdep::source {

std::string text_of(CXString string) {
  const char* text = clang_getCString(string);
  std::string out = text == nullptr ? "" : text;
  clang_disposeString(string);
  return out;
}

std::vector<CXCursor> children(CXCursor cursor) {
  std::vector<CXCursor> out;
  clang_visitChildren(
      cursor,
      [](CXCursor child, CXCursor, CXClientData data) {
        static_cast<std::vector<CXCursor>*>(data)->push_back(child);
        return CXChildVisit_Continue;
      },
      &out);
  return out;
}

Extent extent(CXCursor cursor) {
  const CXSourceRange range = clang_getCursorExtent(cursor);
  Extent out;
  clang_getFileLocation(clang_getRangeStart(range), nullptr, nullptr, nullptr, &out.begin);
  clang_getFileLocation(clang_getRangeEnd(range), nullptr, nullptr, nullptr, &out.end);
  return out;
}

CXCursor peeled(CXCursor cursor) {
  for (;;) {
    const CXCursorKind kind = clang_getCursorKind(cursor);
    if (kind != CXCursor_UnexposedExpr && kind != CXCursor_ParenExpr) return cursor;
    const std::vector<CXCursor> inner = children(cursor);
    if (inner.size() != 1 || !clang_isExpression(clang_getCursorKind(inner.front()))) return cursor;
    cursor = inner.front();
  }
}

std::string qualified_name(CXCursor declaration) {
  std::string name = text_of(clang_getCursorSpelling(declaration));
  const CXCursorKind own = clang_getCursorKind(declaration);
  if (own == CXCursor_Constructor || own == CXCursor_Destructor || own == CXCursor_FunctionTemplate) {
    if (const auto at = name.find('<'); at != std::string::npos && name.rfind("operator", 0) != 0) name.resize(at);
  }
  for (CXCursor parent = clang_getCursorSemanticParent(declaration); !clang_Cursor_isNull(parent);
       parent = clang_getCursorSemanticParent(parent)) {
    const CXCursorKind kind = clang_getCursorKind(parent);
    if (kind == CXCursor_TranslationUnit || clang_isInvalid(kind)) break;
    if (kind == CXCursor_LinkageSpec) continue;
    if (kind == CXCursor_Namespace && clang_Cursor_isInlineNamespace(parent)) continue;
    const std::string outer = text_of(clang_getCursorSpelling(parent));
    if (outer.empty() || outer[0] == '(') continue;
    name = outer + "::" + name;
  }
  return name;
}

CXType plain_type(CXType type) {
  CXType canonical = clang_getCanonicalType(type);
  if (canonical.kind == CXType_LValueReference || canonical.kind == CXType_RValueReference)
    canonical = clang_getCanonicalType(clang_getPointeeType(canonical));
  return canonical;
}

bool is_pointer(CXType type) { return plain_type(type).kind == CXType_Pointer; }
bool is_record(CXType type) { return plain_type(type).kind == CXType_Record; }
bool is_reference(CXType type) {
  const CXTypeKind kind = clang_getCanonicalType(type).kind;
  return kind == CXType_LValueReference || kind == CXType_RValueReference;
}
bool is_array(CXType type) {
  const CXTypeKind kind = plain_type(type).kind;
  return kind == CXType_ConstantArray || kind == CXType_IncompleteArray || kind == CXType_VariableArray || kind == CXType_DependentSizedArray;
}

std::string record_of_declaration(CXCursor declaration) {
  std::string name = qualified_name(declaration);
  const std::string spelling = text_of(clang_getCursorSpelling(declaration));
  if (!spelling.empty() && spelling[0] != '(' && spelling.find("(unnamed") == std::string::npos && spelling.find("(anonymous") == std::string::npos) return name;
  // "typedef struct {...} name;" has its name in the type only.
  name = text_of(clang_getTypeSpelling(clang_getCursorType(declaration)));
  for (const char* word : {"struct ", "union ", "class "})
    if (name.rfind(word, 0) == 0) name.erase(0, std::string(word).size());
  return name.find('(') == std::string::npos ? name : std::string();
}

std::string record_name(CXType type) {
  CXType plain = plain_type(type);
  while (is_array(plain)) plain = plain_type(clang_getArrayElementType(plain));
  if (plain.kind != CXType_Record) {
    // Inside templates the type of a member may be known by name only.
    const CXCursor named = clang_getTypeDeclaration(plain);
    const CXCursorKind kind = clang_getCursorKind(named);
    return kind == CXCursor_ClassTemplate || kind == CXCursor_ClassDecl || kind == CXCursor_StructDecl ? record_of_declaration(named) : std::string();
  }
  return record_of_declaration(clang_getTypeDeclaration(plain));
}

std::string pointee_record(CXType type) {
  const CXType plain = plain_type(type);
  if (plain.kind == CXType_Pointer) return record_name(clang_getPointeeType(plain));
  if (is_array(plain)) return record_name(clang_getArrayElementType(plain));
  return record_name(type);   // a smart pointer stands for what it points to, an object for itself
}

bool in_system_header(CXCursor cursor) { return clang_Location_isInSystemHeader(clang_getCursorLocation(cursor)) != 0; }

}  // namespace crossdep::source
