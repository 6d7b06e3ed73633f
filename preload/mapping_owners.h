// mapping_owners.h - whose the program's mappings are, where its threads are in groups.
#pragma once

#include <cstddef>

namespace weir {

// What the program maps and unmaps belongs to the group of who did it, or to nobody.
void own_mapping(void* address, std::size_t bytes);
void disown_mapping(void* address, std::size_t bytes);

}  // namespace weir
