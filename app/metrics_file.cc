#include "app/metrics_file.h"

#include "core/metrics.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace postern::app {

Result<void> write_metrics_file(const std::string& path) {
  const std::string next = path + ".new";  // in the same folder, where the collector reads *.prom only
  {
    std::ofstream file(next, std::ios::binary | std::ios::trunc);
    file << metrics::text();
    file.flush();
    if (!file) return Error(ErrorCode::IoError, "write " + next + ": " + std::strerror(errno));
  }
  ::chmod(next.c_str(), 0644);
  std::error_code failure;
  std::filesystem::rename(next, path, failure);
  if (failure) return Error(ErrorCode::IoError, "rename " + next + ": " + failure.message());
  return {};
}

}  // namespace postern::app
