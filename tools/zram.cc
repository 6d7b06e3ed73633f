// zram.cc - the files of /sys/block/zramN and /sys/class/zram-control.
#include "tools/zram.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "tools/files.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr const char* kHotAdd = "/sys/class/zram-control/hot_add";
constexpr const char* kHotRemove = "/sys/class/zram-control/hot_remove";
constexpr int kTries = 40;
constexpr useconds_t kPauseUs = 50'000;

// Calls until it gives 0, or for two seconds. What it gave last.
template <typename Call>
int retry(Call call) {
  int error = call();
  for (int i = 0; i < kTries && error != 0; ++i) {
    ::usleep(kPauseUs);
    error = call();
  }
  return error;
}

// The devices there are, by number.
std::vector<std::string> device_names() {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", error)) {
    const std::string name = entry.path().filename();
    if (name.rfind("zram", 0) == 0) {
      out.push_back(name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

int node_error(const std::string& path) {
  struct stat found = {};
  return ::stat(path.c_str(), &found) == 0 && S_ISBLK(found.st_mode) ? 0 : ENODEV;
}

}  // namespace

bool ZramDevice::is_blank() const {
  std::string size;
  return read_text(attribute("disksize"), size) && size == "0";
}

ZramDevice ZramDevice::acquire() {
  if (::access(kHotAdd, F_OK) != 0 && device_names().empty()) {
    static_cast<void>(run_program({"modprobe", "zram"}));
  }
  for (const std::string& name : device_names()) {
    if (ZramDevice device(name, false); device.is_blank()) {
      return device;
    }
  }
  std::string number;  // reading the file is what adds a device
  if (!read_text(kHotAdd, number) || number.empty()) {
    fail("there is no zram in this kernel (weir swap add --type file)");
  }
  return ZramDevice("zram" + number, true);
}

std::string ZramDevice::choose_algorithm() const {
  std::string offered;
  if (read_text(attribute("comp_algorithm"), offered) && (" " + offered + " ").find(" lz4 ") != std::string::npos) {
    static_cast<void>(write_text(attribute("comp_algorithm"), "lz4"));
    static_cast<void>(read_text(attribute("comp_algorithm"), offered));
  }
  const std::size_t begin = offered.find('[') + 1;
  return offered.substr(begin, offered.find(']') - begin);
}

int ZramDevice::set_size(std::uint64_t bytes) const {
  const int error = write_text(attribute("disksize"), std::to_string(bytes));
  return error != 0 ? error : retry([this] { return node_error(path()); });
}

int ZramDevice::release() const {
  int error = is_blank() ? 0 : retry([this] { return write_text(attribute("reset"), "1"); });
  if (error == 0 && hot_added_) {
    const std::string number = name_.substr(std::string("zram").size());
    error = retry([&number] { return write_text(kHotRemove, number); });
  }
  return error;
}

}  // namespace weir
