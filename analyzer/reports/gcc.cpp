// SPDX-License-Identifier: MIT
//
// See gcc.h. GNU's form needs a file; without one the program's name stands there, as GNU's standard has it for errors
// with no place.
//
// Threading: pure function.  Allocation: the heap.
#include "reports/gcc.h"

namespace crossdep::reports {
namespace {

std::string head(const Place& place) {
  if (!place.known()) return "crossdep";
  std::string out = clean(place.file);
  if (place.line != 0) out += ":" + std::to_string(place.line);
  if (place.line != 0 && place.column != 0) out += ":" + std::to_string(place.column);
  return out;
}

std::string in_function(const Place& place) {
  return place.function.empty() ? std::string() : " in " + clean(place.function);
}

}  // namespace

std::string render_gcc(const Listing& listing) {
  std::string out;
  for (const Listed& listed : listing.findings) {
    const Told told = tell(listing, listed);
    out += head(told.primary) + (listed.fails ? ": error: " : ": warning: ") + clean(told.message) + " [" + listed.finding->id + "]\n";
    for (const Side& side : told.sides)
      for (const Step& step : side.steps)
        out += head(step.place) + ": note: " + clean(side.context + " " + step.text) + in_function(step.place) + "\n";
  }
  return out;
}

}  // namespace crossdep::reports
