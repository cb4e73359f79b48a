// SPDX-License-Identifier: MIT
//
// See sarif.h. One code flow for each result, in it one thread flow for each context.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/sarif.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "reports/format.h"
#include "reports/version.h"
#include "rules/catalogue.h"

namespace crossdep::reports {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMessageBytes = 1024;
constexpr std::size_t kMostRelated = 100;   // GitHub shows no more

Json text(const std::string& words) { return {{"text", shortened(clean(words), kMessageBytes)}}; }

// RFC 3986: everything but unreserved characters and '/' is a %XX.
std::string uri(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string("-._~/+").find(c) != std::string::npos;
    if (plain) out += c;
    else out += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  return path.front() == '/' ? "file://" + out : out;
}

Json artifact(const std::string& file) {
  Json out = {{"uri", uri(file)}};
  if (file.front() != '/') out["uriBaseId"] = "%SRCROOT%";
  return out;
}

Json physical(const Place& place) {
  Json out = {{"artifactLocation", artifact(place.file)}};
  if (place.line != 0) {
    out["region"] = {{"startLine", place.line}};
    if (place.column != 0) out["region"]["startColumn"] = place.column;
  }
  return out;
}

Json location(const Place& place, const std::string& words) {
  Json out = Json::object();
  if (place.known()) out["physicalLocation"] = physical(place);
  if (!place.function.empty()) out["logicalLocations"] = {{{"fullyQualifiedName", clean(place.function)}, {"kind", "function"}}};
  if (!words.empty()) out["message"] = text(words);
  return out;
}

Json rules_table() {
  Json out = Json::array();
  const rules::CheckText* const all = rules::catalogue();
  for (unsigned i = 0; i < engine::kCheckCount; ++i) {
    const std::string description = all[i].description;
    std::string name;   // LockOrderCycle
    bool upper = true;
    for (const char* c = all[i].id; *c != 0; ++c) {
      if (*c != '-') name += upper ? static_cast<char>(*c - 'a' + 'A') : *c;
      upper = *c == '-';
    }
    out.push_back({{"id", all[i].id},
                   {"name", name},
                   {"shortDescription", {{"text", all[i].title}}},
                   {"fullDescription", text(description)},
                   {"help",
                    {{"text", description + "\n\nThe smallest trace that shows it:\n\n" + all[i].example},
                     {"markdown", description + "\n\nThe smallest trace that shows it:\n\n```\n" + all[i].example + "```\n"}}},
                   {"defaultConfiguration", {{"level", rules::word(all[i].level)}}},
                   {"properties", {{"tags", {"concurrency", "deadlock"}}, {"problem.severity", rules::word(all[i].level)}}}});
  }
  return out;
}

// One thread flow for each context, in it what that context did in the order it did so.
Json code_flow(const Told& told) {
  Json flows = Json::array();
  std::vector<std::string> contexts;
  for (const Side& side : told.sides) {
    auto at = std::find(contexts.begin(), contexts.end(), side.context);
    if (at == contexts.end()) {
      contexts.push_back(side.context);
      flows.push_back({{"id", clean(side.context)}, {"message", text(side.context)}, {"locations", Json::array()}});
      at = contexts.end() - 1;
    }
    Json& locations = flows[static_cast<std::size_t>(at - contexts.begin())]["locations"];
    for (const Step& step : side.steps) {
      Json entry = {{"location", location(step.place, step.text)}, {"nestingLevel", 0}};
      entry["importance"] = step.text.rfind("holds ", 0) == 0 ? "important" : "essential";
      Json frames = Json::array();
      for (const Place& frame : step.stack) frames.push_back({{"location", location(frame, "")}});
      if (!frames.empty()) entry["stack"] = {{"frames", std::move(frames)}};
      locations.push_back(std::move(entry));
    }
  }
  return {{"threadFlows", std::move(flows)}};
}

class Results {
 public:
  explicit Results(const Listing& listing) : listing_(listing) {}

  Json make() {
    Json out = Json::array();
    for (const Listed& listed : listing_.findings) out.push_back(result(listed));
    return out;
  }

 private:
  // The first place that is no other result's; the first of all if each is taken.
  Place primary_of(const Told& told) {
    const std::vector<Place> places = places_of(told);
    for (const Place& place : places)
      if (taken_.insert({place.file, place.line}).second) return place;
    return places.empty() ? Place() : places.front();
  }

  static const char* level(const Listed& listed) {
    if (!listed.fails) return "note";
    return rules::word(rules::catalogue(listed.finding->check).level);
  }

  Json result(const Listed& listed) {
    const Finding& finding = *listed.finding;
    const Told told = tell(listing_, listed);
    Place primary = primary_of(told);
    if (!primary.known()) primary = {fallback_file(*listing_.graph, finding), 1, 0, told.primary.function};
    Json out = {{"ruleId", rules::check_id(finding.check)},
                {"ruleIndex", static_cast<unsigned>(finding.check)},
                {"level", level(listed)},
                {"message", text(told.message)},
                {"locations", {location(primary, "")}}};
    Json related = Json::array();
    for (const Side& side : told.sides)
      for (const Step& step : side.steps) {
        if (!step.place.known() || related.size() == kMostRelated) continue;
        Json entry = {{"id", related.size() + 1}};
        entry.update(location(step.place, side.context + " " + step.text));
        related.push_back(std::move(entry));
      }
    if (!related.empty()) out["relatedLocations"] = std::move(related);
    if (!told.sides.empty()) out["codeFlows"] = {code_flow(told)};
    // The id without "cd-" is the hash of the cycle's classes and roles.
    out["partialFingerprints"] = {{"primaryLocationLineHash", finding.id.substr(3) + ":1"}, {"crossdepFinding/v1", finding.id}};
    if (listed.standing == Standing::kNew) out["baselineState"] = "new";
    if (listed.standing == Standing::kKnown) {
      out["baselineState"] = "unchanged";
      out["suppressions"] = {{{"kind", "external"}, {"status", "accepted"}, {"justification", clean(listed.accepted)}}};
    }
    out["properties"] = {{"id", finding.id}, {"verdict", word(finding.verdict)}, {"reason", finding.reason_code}};
    return out;
  }

  const Listing& listing_;
  std::set<std::pair<std::string, std::uint32_t>> taken_;
};

}  // namespace

std::string render_sarif(const Listing& listing) {
  const Json driver = {{"name", "crossdep"}, {"version", kVersion}, {"semanticVersion", kVersion}, {"rules", rules_table()}};
  Json run = {{"tool", {{"driver", driver}}},
              {"automationDetails", {{"id", "crossdep/"}}},
              {"originalUriBaseIds", {{"%SRCROOT%", {{"description", {{"text", "The root of the repository"}}}}}}},
              {"columnKind", "utf16CodeUnits"},
              {"results", Results(listing).make()}};
  const Json out = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", {std::move(run)}}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace crossdep::reports
