// SPDX-License-Identifier: MIT
//
// One translation unit: parses the preprocessed text, goes over its declarations outside of system headers, lowers every
// function with a body, and collects what initialisers put into globals.
//
// Threading: as lower.h.  Allocation: the heap.
#include <algorithm>
#include <filesystem>

#include "source/lower.h"

namespace crossdep::source {
namespace {

struct ParsedUnit {
  CXIndex index = clang_createIndex(0, 0);
  CXTranslationUnit tu = nullptr;
  ~ParsedUnit() {
    if (tu != nullptr) clang_disposeTranslationUnit(tu);
    clang_disposeIndex(index);
  }
};

bool is_function(CXCursorKind kind) {
  return kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod || kind == CXCursor_Constructor || kind == CXCursor_Destructor ||
         kind == CXCursor_ConversionFunction || kind == CXCursor_FunctionTemplate;
}

std::string presumed_file(CXCursor cursor, unsigned* line = nullptr, unsigned* column = nullptr) {
  CXString file;
  unsigned l = 0, c = 0;
  clang_getPresumedLocation(clang_getCursorLocation(cursor), &file, &l, &c);
  if (line != nullptr) *line = l;
  if (column != nullptr) *column = c;
  return text_of(file);
}

// The first thing that is wrong, as "FILE:LINE: cause".
std::string first_error(CXTranslationUnit tu) {
  const unsigned count = clang_getNumDiagnostics(tu);
  for (unsigned i = 0; i < count; ++i) {
    const CXDiagnostic diagnostic = clang_getDiagnostic(tu, i);
    std::string text;
    if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error) {
      CXString file;
      unsigned line, column;
      clang_getPresumedLocation(clang_getDiagnosticLocation(diagnostic), &file, &line, &column);
      text = text_of(file) + ":" + std::to_string(line) + ": " + text_of(clang_getDiagnosticSpelling(diagnostic));
    }
    clang_disposeDiagnostic(diagnostic);
    if (!text.empty()) return text;
  }
  return {};
}

}  // namespace

Site UnitLowering::site(CXCursor cursor) {
  Site site;
  const std::string file = std::filesystem::path(presumed_file(cursor, &site.line, &site.column)).lexically_normal().string();
  const auto [at, fresh] = files_.try_emplace(file, static_cast<std::uint32_t>(unit_.files.size()));
  if (fresh) unit_.files.push_back(file);
  site.file = at->second;
  return site;
}

std::string UnitLowering::function_key(CXCursor function) {
  const CXCursor canonical = clang_getCanonicalCursor(function);
  std::string key = text_of(clang_getCursorUSR(canonical));
  // libclang's own names of statics hold the file's last name only.
  const CXLinkageKind linkage = clang_getCursorLinkage(function);
  if (linkage != CXLinkage_Internal && linkage != CXLinkage_NoLinkage) return key;
  // An inline function of a header is the same in all units.
  unsigned line = 0, column = 0;
  const bool same = is_function(clang_getCursorKind(canonical)) && clang_Cursor_isFunctionInlined(canonical) != 0;
  const std::string from = same ? presumed_file(canonical, &line, &column) : std::string();
  key += "@" + (from.empty() ? unit_.file : from);
  return key;
}

std::string UnitLowering::lambda_key(CXCursor lambda) {
  const Extent at = extent(lambda);
  unsigned line = 0, column = 0;
  const std::string file = presumed_file(lambda, &line, &column);
  return "lambda@" + file + ":" + std::to_string(line) + ":" + std::to_string(column) + ":" + std::to_string(at.end - at.begin);
}

std::string UnitLowering::symbol(CXCursor declaration) {
  const std::string key = function_key(declaration);
  if (!symbols_.insert(key).second) return key;
  const CXCursor canonical = clang_getCanonicalCursor(declaration);
  Symbol& s = unit_.symbols.emplace_back();
  s.key = key;
  s.name = qualified_name(canonical);
  s.is_function = is_function(clang_getCursorKind(canonical));
  if (!s.is_function) s.type = record_name(clang_getCursorType(canonical));
  const CXLinkageKind linkage = clang_getCursorLinkage(declaration);
  if (linkage == CXLinkage_Internal || linkage == CXLinkage_NoLinkage) s.file = unit_.file;
  return key;
}

bool UnitLowering::no_return(CXCursor function) {
  const std::string key = function_key(function);
  const auto [at, fresh] = no_return_.try_emplace(key, false);
  if (!fresh) return at->second;
  const auto says_so = [&](CXCursor declaration) {
    if (text_of(clang_getTypeSpelling(clang_getCursorType(declaration))).find("noreturn") != std::string::npos) return true;
    // Attributes before the declaration belong to no extent: from the end of the one before.
    const Extent where = extent(declaration);
    unsigned begin = where.begin;
    while (begin > 0 && begin + 200 > where.begin && text_[begin - 1] != ';' && text_[begin - 1] != '}') --begin;
    const std::size_t body = std::min<std::size_t>(text_.find('{', where.begin), where.end);
    const std::string_view text = this->text(begin, static_cast<unsigned>(std::min<std::size_t>(body, where.end)));
    return text.find("noreturn") != std::string_view::npos || text.find("_Noreturn") != std::string_view::npos;
  };
  at->second = says_so(clang_getCanonicalCursor(function)) || says_so(function);
  return at->second;
}

CXCursor UnitLowering::destructor(CXType type) {
  CXType plain = plain_type(type);
  if (plain.kind != CXType_Record) return clang_getNullCursor();
  CXCursor record = clang_getTypeDeclaration(plain);
  if (in_system_header(record)) return clang_getNullCursor();
  const std::string key = text_of(clang_getCursorUSR(record));
  const auto [at, fresh] = destructors_.try_emplace(key, clang_getNullCursor());
  if (!fresh) return at->second;
  // A template's class has its members in the template.
  const CXCursor general = clang_getSpecializedCursorTemplate(record);
  if (!clang_Cursor_isNull(general)) record = general;
  const CXCursor definition = clang_getCursorDefinition(record);
  for (const CXCursor child : children(clang_Cursor_isNull(definition) ? record : definition))
    if (clang_getCursorKind(child) == CXCursor_Destructor) at->second = child;
  return at->second;
}

void UnitLowering::count_unmodelled(const std::string& key, const std::string& name, const Site& site) {
  const auto [at, fresh] = unmodelled_.try_emplace(key, unit_.unmodelled.size());
  if (fresh) unit_.unmodelled.push_back({key, name, 0, site});
  ++unit_.unmodelled[at->second].calls;
}

// What a global's initialiser points to, member by member.
void UnitLowering::add_initial(const std::string& global, std::vector<std::pair<std::string, std::string>>& path, CXType type, CXCursor value) {
  value = peeled(value);
  const CXCursorKind kind = clang_getCursorKind(value);
  if (kind == CXCursor_InitListExpr) {
    std::vector<CXCursor> fields;
    const CXType plain = plain_type(type);
    if (plain.kind == CXType_Record)
      clang_Type_visitFields(plain, [](CXCursor field, CXClientData data) {
        static_cast<std::vector<CXCursor>*>(data)->push_back(field);
        return CXVisit_Continue;
      }, &fields);
    std::size_t position = 0;
    for (CXCursor child : children(value)) {
      CXCursor field = position < fields.size() ? fields[position] : clang_getNullCursor();
      const std::vector<CXCursor> inner = children(child);
      if (clang_getCursorKind(child) == CXCursor_UnexposedExpr && inner.size() == 2 && clang_getCursorKind(inner[0]) == CXCursor_MemberRef) {
        field = clang_getCursorReferenced(inner[0]);   // ".member = value"
        for (std::size_t i = 0; i < fields.size(); ++i)
          if (clang_equalCursors(fields[i], field)) position = i;
        child = inner[1];
      }
      if (!clang_Cursor_isNull(field)) {
        path.emplace_back(text_of(clang_getCursorSpelling(field)), record_of_declaration(clang_getCursorSemanticParent(field)));
        add_initial(global, path, clang_getCursorType(field), child);
        path.pop_back();
      } else if (is_array(type)) {
        path.emplace_back("[" + std::to_string(position) + "]", "");
        add_initial(global, path, clang_getArrayElementType(plain), child);
        path.pop_back();
      }
      ++position;
    }
    return;
  }
  const bool address = kind == CXCursor_UnaryOperator;
  if (address || kind == CXCursor_CStyleCastExpr) {
    const std::vector<CXCursor> inner = children(value);
    if (!inner.empty() && clang_isExpression(clang_getCursorKind(inner.back()))) add_initial(global, path, type, inner.back());
    return;
  }
  if (kind != CXCursor_DeclRefExpr) return;
  const CXCursor to = clang_getCursorReferenced(value);
  const CXCursorKind what = clang_getCursorKind(to);
  if (is_function(what)) unit_.initials.push_back({global, path, symbol(to), {}});
  else if (what == CXCursor_VarDecl && is_pointer(type)) unit_.initials.push_back({global, path, {}, symbol(to)});
}

void UnitLowering::global_variable(CXCursor variable) {
  for (const CXCursor child : children(variable)) {
    if (!clang_isExpression(clang_getCursorKind(child))) continue;
    std::vector<std::pair<std::string, std::string>> path;
    add_initial(symbol(variable), path, clang_getCursorType(variable), child);
    const Extent at = extent(child);
    if (text(at.begin, at.end).find("PTHREAD_MUTEX_RECURSIVE_NP") != std::string_view::npos)
      unit_.initials.push_back({symbol(variable), {{"$recursive", ""}}, {}, {}});
  }
}

void UnitLowering::function(CXCursor cursor) {
  std::string key = function_key(cursor);
  symbol(cursor);
  for (const CXCursor child : children(cursor)) {
    const CXCursorKind kind = clang_getCursorKind(child);
    if (kind != CXCursor_CompoundStmt && kind != CXCursor_CXXTryStmt) continue;
    if (!lowered_.insert(key).second) return;
    FunctionLowering(*this, nullptr).lower(cursor, child, key, qualified_name(cursor));
  }
}

void UnitLowering::declarations(CXCursor parent) {
  for (const CXCursor child : children(parent)) {
    if (in_system_header(child)) continue;
    const CXCursorKind kind = clang_getCursorKind(child);
    if (is_function(kind)) function(child);
    else if (kind == CXCursor_VarDecl) declared_orders(child), global_variable(child);
    else if (kind == CXCursor_FieldDecl) declared_orders(child);
    else if (kind == CXCursor_Namespace || kind == CXCursor_LinkageSpec || kind == CXCursor_ClassDecl || kind == CXCursor_StructDecl ||
             kind == CXCursor_ClassTemplate || kind == CXCursor_ClassTemplatePartialSpecialization || kind == CXCursor_UnexposedDecl)
      declarations(child);
  }
}

void UnitLowering::lower(CXTranslationUnit tu) { declarations(clang_getTranslationUnitCursor(tu)); }

Unit read_unit(const std::string& file, bool cxx, const std::vector<std::string>& flags, const std::string& text) {
  Unit unit;
  unit.file = file;
  std::vector<std::string> words{"-x", cxx ? "c++-cpp-output" : "cpp-output", "-w", "-ferror-limit=1"};
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const std::string& flag = flags[i];
    if (flag.rfind("-std=", 0) == 0 || flag.rfind("--std=", 0) == 0 || flag.rfind("-f", 0) == 0 || flag.rfind("-m", 0) == 0 || flag == "-ansi") words.push_back(flag);
  }
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  const std::string name = cxx ? "unit.ii" : "unit.i";
  CXUnsavedFile memory{name.c_str(), text.data(), text.size()};
  ParsedUnit parsed;
  const CXErrorCode code = clang_parseTranslationUnit2(parsed.index, name.c_str(), arguments.data(), static_cast<int>(arguments.size()), &memory, 1,
                                                       CXTranslationUnit_None, &parsed.tu);
  if (code != CXError_Success || parsed.tu == nullptr) {
    unit.failure = file + ": libclang could not parse it";
    return unit;
  }
  unit.failure = first_error(parsed.tu);
  if (unit.failure.empty()) UnitLowering(unit, text).lower(parsed.tu);
  return unit;
}

}  // namespace crossdep::source
