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
#include <vector>

namespace bench {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

struct SslSessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslSession = std::unique_ptr<SSL_SESSION, SslSessionDeleter>;

// Sessions to resume, each by one connection: OpenSSL lets nobody else resume a TLS 1.3 session that is in use (RFC 8446 §C.4).
struct SessionMemory {
  std::vector<SslSession> unused;
  // Null: none was given yet. The last one is used again and again: Postfix gives no new ticket for a resumed handshake.
  SslSession take();
};

// A client's context. `remember`, if not null, is given the sessions of all connections and outlives the context.
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
  void start_tls(SSL_CTX* context, SslSession resumed);
  bool was_resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

  void send(std::string_view octets);
  // Reads and writes what can be read and written. False: the connection is over.
  bool advance();
  bool wants_to_write() const { return is_handshaking_ ? handshake_writes_ : is_connecting_ || !output_.empty(); }

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
  bool handshake_writes_ = false;  // else it waits for the peer
  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::string input_;
  std::size_t taken_ = 0;
  std::string output_;
};

// Writes a message and ends the program.
[[noreturn]] void give_up(const char* what);

}  // namespace bench
