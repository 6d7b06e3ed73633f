// zram.h - one zram device through /sys: found or added, given a size, given back.
#pragma once

#include <cstdint>
#include <string>

namespace weir {

class ZramDevice {
 public:
  explicit ZramDevice(std::string name, bool hot_added) : name_(std::move(name)), hot_added_(hot_added) {}

  // A device nobody uses, or a new one. Fails (exit 1) when this kernel has none.
  static ZramDevice acquire();

  [[nodiscard]] std::string path() const {
    return "/dev/" + name_;
  }
  [[nodiscard]] bool hot_added() const {
    return hot_added_;
  }
  // True when it has no size, so nothing is in it.
  [[nodiscard]] bool is_blank() const;
  // Takes lz4 where the kernel has it. The algorithm in force.
  [[nodiscard]] std::string choose_algorithm() const;
  // 0 or an errno, ENODEV when its node in /dev does not come.
  [[nodiscard]] int set_size(std::uint64_t bytes) const;
  // Empties it, and removes it if it was added. Waits a moment for who looks at it. 0 or an errno.
  [[nodiscard]] int release() const;

 private:
  [[nodiscard]] std::string attribute(const char* file) const {
    return "/sys/block/" + name_ + "/" + file;
  }

  std::string name_;
  bool hot_added_;
};

}  // namespace weir
