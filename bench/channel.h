// Channel: one non-blocking connection of a load or of the sink, in the clear or under TLS. Octets are queued and written when the
// socket takes them; input collects until lines or octets are taken. Nothing is verified of a TLS server: the relay's test
// certificate is nobody's. One thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

// A client's context. `remember`: sessions are kept in `*remember` for the next connection to resume.
struct SessionMemory {
  SSL_SESSION* newest = nullptr;
  ~SessionMemory();
};
SslContext make_client_context(SessionMemory* remember);

class Channel {
 public:
  // Connects to a port of this machine. Ends the program if the system refuses: a load that lost clients measured nothing.
  explicit Channel(std::uint16_t port);
  // Takes over an accepted connection.
  struct Accepted {
    int descriptor;
  };
  explicit Channel(Accepted accepted);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int descriptor() const { return descriptor_; }
  // What comes next is TLS; `resumed` may be null.
  void start_tls(SSL_CTX* context, SSL_SESSION* resumed);
  bool was_resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

  void send(std::string_view octets);
  // Reads and writes what can be read and written. False: the connection is over.
  bool advance();
  bool wants_to_write() const { return !output_.empty() || is_handshaking_ || is_connecting_; }

  // The next line without CR LF, valid until the next call; nullopt: none is complete.
  std::optional<std::string_view> next_line();
  // What came behind the lines taken.
  std::string_view input() const { return std::string_view(input_).substr(taken_); }
  void take(std::size_t octets);

 private:
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  bool shake_hands();
  bool write_some();
  bool read_some();
  long write_once(std::string_view octets);
  long read_once(char* into, std::size_t octets);

  int descriptor_;
  bool is_connecting_ = false;
  bool is_handshaking_ = false;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::string input_;
  std::size_t taken_ = 0;
  std::string output_;
};

// Writes a message and ends the program.
[[noreturn]] void give_up(const char* what);

}  // namespace bench
