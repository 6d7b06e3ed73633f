// working_set.h - how much memory a container lacks, as the distances of its refaults tell.
//
// The distance of a refault is the number of pages that were evicted between the page's own eviction
// and its return (mm/workingset.c). Had there been that much more memory, the page would have stayed.
// So, of the refaults of the last half minute, those at most D pages away are what D more pages save:
//
//   refaults per second with D more pages = rate * (refaults further away than D / all refaults)
//
// This holds as far as eviction takes the least recently used first, and for a program that goes on
// as it does. Else pages leave several times between, and count as often: more than what is out can never be lacking.
// Distances are kept in classes of half an octave, evenly spread within each; what lies beyond the last class (11 GiB)
// is taken to lie there.
//
// Lock-free; a writer that is killed leaves the figures usable. Safe in signal handlers.
#pragma once

#include <array>
#include <cstdint>

#include "core/layout.h"
#include "core/units.h"

namespace weir {

// Refaults by the class of their distance.
using DistanceCounts = std::array<std::uint32_t, kDistanceClasses>;

std::size_t distance_class(Pages distance);
// The largest distance of a class.
Pages distance_bound(std::size_t distance_class);

// Books refaults found at `now_ns` (Os::now_ns()), when the container had so much paged out.
void note_distances(DistanceRecord& record, const DistanceCounts& refaults, Pages swapped, std::uint64_t now_ns);

struct WorkingSet {
  std::uint64_t refaults_per_second = 0;
  Pages for_half;   // to add so that at most half of the refaults stay
  Pages for_tenth;  // and at most a tenth
};

WorkingSet working_set_at(DistanceRecord& record, std::uint64_t now_ns);

}  // namespace weir
