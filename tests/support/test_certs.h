// Certificates made when a test starts: a CA of its own, a server certificate for the right name and one for another.
#pragma once

#include <string>

namespace postern::test {

struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// In a temporary directory that goes with the object.
class TestCerts {
 public:
  // What good() is for; also 127.0.0.1 and ::1.
  static constexpr const char* kServerName = "mail.example.test";

  TestCerts();
  TestCerts(const TestCerts&) = delete;
  TestCerts& operator=(const TestCerts&) = delete;
  ~TestCerts();

  std::string ca_file() const { return directory_ + "/ca.pem"; }
  CertificateFiles good() const { return files("good"); }
  // For other.example.test only.
  CertificateFiles wrong_name() const { return files("wrong"); }
  const std::string& directory() const { return directory_; }

 private:
  CertificateFiles files(const std::string& name) const;

  std::string directory_;
};

// One set for the whole test executable.
const TestCerts& test_certs();

}  // namespace postern::test
