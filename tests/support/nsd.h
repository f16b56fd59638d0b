// NSD (Debian: nsd) with the zones of tests/support/zones below a signed root of their own: what is
// secure, insecure and bogus there is so for every validating resolver that has the anchor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace postern::test {

class Nsd {
 public:
  // Returns when it answers; a test failure and an abort where it cannot run.
  explicit Nsd(const std::filesystem::path& zones);
  ~Nsd();
  Nsd(const Nsd&) = delete;
  Nsd& operator=(const Nsd&) = delete;

  std::string address() const { return "127.0.0.1@" + std::to_string(port_); }
  std::string anchor_file() const { return (zones_ / "root.anchor").string(); }

 private:
  bool answers() const;

  std::filesystem::path zones_;
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace postern::test
