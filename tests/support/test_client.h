// A blocking client for tests: raw octets out, lines in, with or without TLS. A peer that stays silent for too long makes
// the read give up, so a test fails instead of hanging.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace postern::test {

class TestClient {
 public:
  // Connects to 127.0.0.1.
  explicit TestClient(std::uint16_t port);
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient();

  // False if the connection is gone.
  bool send(std::string_view octets);
  // All lines of one reply, CR LF and all; "" at the end of the stream.
  std::string read_reply();
  // One line, with its CR LF; "" at the end of the stream.
  std::string read_line();
  // Exactly so many, fewer at the end of the stream.
  std::string read_octets(std::size_t count);
  // send() then read_reply().
  std::string command(std::string_view line);
  // The rest of the stream, up to its end.
  std::string read_to_end();
  // Handshake now; does not verify the certificate. False if it failed.
  bool start_tls();
  // Of the server's certificate. After start_tls().
  std::string peer_common_name() const;

  // Ends our sending side only.
  void half_close();
  // The connection is reset: the server's reads fail.
  void reset();
  void close();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  bool fill();

  int socket_ = -1;
  std::unique_ptr<SSL_CTX, Free> tls_context_;
  std::unique_ptr<SSL, Free> tls_;
  std::string unread_;
};

}  // namespace postern::test
