// lost_registry.cc - made elsewhere, then put in its place in one step.
#include "core/lost_registry.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/raw_syscall.h"
#include "core/units.h"

namespace weir {
namespace {

constexpr auto kBytes = static_cast<long>(kRegistryBytes);

Registry* make_unlimited() {
  const long raw = raw_syscall(SYS_mmap, 0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw < 0) {
    return nullptr;
  }
  auto* made = reinterpret_cast<Registry*>(raw);
  // Who is on its way through a charge must not meet a limit of zero.
  for (ContainerRecord& container : made->containers) {
    for (Counter* mark :
         {&container.limit, &container.high_watermark, &container.low_watermark, &container.swap_limit}) {
      mark->store(Pages::all().count, std::memory_order_relaxed);
    }
  }
  return made;
}

}  // namespace

bool replace_lost(Registry& registry, std::uintptr_t fault) {
  const auto begin = reinterpret_cast<std::uintptr_t>(&registry);
  if (fault - begin >= kRegistryBytes) {
    return false;
  }
  Registry* const made = make_unlimited();
  // In one step for everybody who looks. Without room for it the touch would only fault again.
  return made != nullptr &&
         raw_syscall(SYS_mremap, sys_arg(made), kBytes, kBytes, MREMAP_MAYMOVE | MREMAP_FIXED, sys_arg(&registry)) >= 0;
}

}  // namespace weir
