// The operator log in a file, for as long as the object lives.
#pragma once

#include "core/log.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace postern::test {

class CapturedLog {
 public:
  CapturedLog() : path_(std::filesystem::temp_directory_path() / ("postern-log-" + std::to_string(::getpid()))) {
    log::start({.level = log::Level::Debug, .path = path_.string(), .with_time = false});
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() {
    log::stop();
    std::filesystem::remove(path_);
  }

  // Everything so far. Nothing may be logging meanwhile, and nothing is captured afterwards.
  std::string finish() {
    log::stop();
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace postern::test
