// fuzz_registry.cc - a registry with arbitrary damage, used by everything that reads or changes one.
#include <fuzzer/FuzzedDataProvider.h>

#include <nlohmann/json.hpp>

#include "core/events.h"
#include "core/registry.h"
#include "core/stats.h"
#include "core/usage.h"
#include "tests/core/support.h"
#include "tests/fuzz/fuzz_support.h"

namespace weir::fuzz {
namespace {

using testing::MemoryRegistry;
using testing::StringSink;

constexpr int kProcesses = 8;

class Session {
 public:
  explicit Session(FuzzedDataProvider& data) : data_(data) {
    for (int pid = 1; pid <= kProcesses; ++pid) {
      registry_.os.add_process(pid, {});
    }
  }
  void run() {
    for (int steps = 0; steps < 60 && data_.remaining_bytes() > 0; ++steps) {
      step();
    }
    read_everything();
    static_cast<void>(reap_dead(registry_.os, registry_.view));
    static_cast<void>(usage_of(registry_.view, any_container()));
  }

 private:
  ContainerId any_container() {
    return ContainerId{data_.ConsumeIntegralInRange<std::uint32_t>(0, kMaxContainers - 1)};
  }
  std::uint32_t any_pid() {
    return data_.ConsumeIntegralInRange<std::uint32_t>(1, kProcesses + 2);
  }
  void step() {
    switch (data_.ConsumeIntegralInRange(0, 6)) {
      case 0:
        return damage();
      case 1:
        return make();
      case 2:
        return remove();
      case 3:
        return attach();
      case 4:
        return charge();
      case 5:
        return post();
      default:
        return adjust();
    }
  }
  // Any bytes anywhere: near the start of one of the tables as often as in the middle of nowhere.
  void damage() {
    constexpr std::size_t kStarts[] = {0,
                                       offsetof(Registry, books),
                                       offsetof(Registry, parents),
                                       offsetof(Registry, containers),
                                       offsetof(Registry, members),
                                       offsetof(Registry, events)};
    const std::size_t start = data_.PickValueInArray(kStarts);
    const std::size_t reach = data_.ConsumeBool() ? 2048 : sizeof(Registry);
    const std::size_t at = std::min(start + data_.ConsumeIntegralInRange<std::size_t>(0, reach), sizeof(Registry));
    std::string bytes = data_.ConsumeRandomLengthString(300);
    bytes.resize(std::min(bytes.size(), sizeof(Registry) - at));
    print_code("damage(" + std::to_string(at) + ", " + literal(bytes) + ");");
    std::memcpy(reinterpret_cast<char*>(registry_.memory.get()) + at, bytes.data(), bytes.size());
  }
  void make() {
    const ExactBytes name(data_.ConsumeRandomLengthString(300));
    ContainerWish wish;
    wish.name = name.view();
    wish.named = data_.ConsumeBool();
    print_code("find_or_make(" + literal(wish.name) + ", " + std::to_string(wish.named) + ");");
    const ContainerResult made = registry_.view.find_or_make(registry_.os, wish);
    ContainerId found;
    require(made.failure != AttachFailure::kNone || registry_.view.find(wish.name, found), "what was made is found");
  }
  void remove() {
    const ContainerId id = any_container();
    print_code("remove(ContainerId{" + std::to_string(id.index) + "});");
    static_cast<void>(registry_.view.remove(registry_.os, id));
  }
  void attach() {
    const std::uint32_t pid = any_pid();
    const ContainerId id = any_container();
    print_code("attach(" + std::to_string(pid) + ", ContainerId{" + std::to_string(id.index) + "});");
    const AttachResult attached = registry_.view.attach(registry_.os, pid, id);
    require(attached.failure != AttachFailure::kNone || registry_.view.book(attached.id).load().pid == pid,
            "whoever attached has a place");
  }
  void charge() {
    MemberId id;
    const std::uint32_t pid = any_pid();
    if (registry_.view.find_member(pid, id)) {
      print_code("set_charge(" + std::to_string(pid) + ", ...);");
      registry_.view.book(id).set_charge(pid, Pages{data_.ConsumeIntegral<std::uint64_t>()});
    }
  }
  void post() {
    const ExactBytes text(data_.ConsumeRandomLengthString(300));
    const ContainerId id = any_container();
    print_code("post_event(ContainerId{" + std::to_string(id.index) + "}, " + literal(text.view()) + ");");
    post_event(registry_.os, registry_.view, {EventKind::kSet, id, any_pid(), {1, 2}, text.view()});
  }
  void adjust() {
    ContainerRecord& record = registry_.view.container(any_container());
    const Marks wished = {Pages{data_.ConsumeIntegral<std::uint64_t>()}, Pages{data_.ConsumeIntegral<std::uint64_t>()},
                          Pages{data_.ConsumeIntegral<std::uint64_t>()}};
    print_code("set_marks(...);");
    const Marks before = marks_of(record);
    const bool set = set_marks(record, wished) == 0;
    require(marks_of(record) == (set ? wished : before), "all of the marks, or none");
  }

  void read_everything() {
    const ExactBytes name(data_.ConsumeRandomLengthString(300));
    ContainerId id;
    static_cast<void>(registry_.view.find(name.view(), id));
    read_events();
    read_container(any_container(), data_.ConsumeBool() ? Look::kBooks : Look::kProc);
  }
  void read_events() {
    std::uint64_t next = data_.ConsumeBool() ? oldest_event(registry_.view) : data_.ConsumeIntegral<std::uint64_t>();
    std::uint64_t missed = 0;
    std::uint64_t read = 0;
    for (Event event; read_event(registry_.view, next, event, missed); ++read) {
      require(strnlen(event.text, sizeof(event.text)) < sizeof(event.text), "an event's text ends");
      require(strnlen(event.container_name, sizeof(event.container_name)) < sizeof(event.container_name),
              "an event's container ends");
      static_cast<void>(to_string(event.kind));
    }
    require(read <= kMaxEvents, "no more events than there is room for");
  }
  void read_container(ContainerId id, Look look) {
    const ContainerStats stats = container_stats(registry_.os, registry_.view, id, look);
    require(stats.usage == usage_of(registry_.view, id), "the usage is the sum of the members");
    require(members_of(registry_.view, id) <= kMaxMembers, "no more members than places");
    for (const DumpFormat format : {DumpFormat::kText, DumpFormat::kJson, DumpFormat::kPrometheus}) {
      StringSink sink;
      format_stats(registry_.view, id, stats, format, sink);
      require(sink.text().ends_with('\n'), "the last line ends");
      require(format != DumpFormat::kJson || nlohmann::json::accept(sink.text()), "JSON is JSON");
    }
  }

  FuzzedDataProvider& data_;
  MemoryRegistry registry_;
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  weir::fuzz::Session(data).run();
  return 0;
}
