// TlsSession: one OpenSSL connection object that works directly on a non-blocking socket. OpenSSL reads into the caller's
// buffer and writes from it: there is no second pair of buffers between it and the kernel, and an idle connection holds none
// (SSL_MODE_RELEASE_BUFFERS). For net/stream only.
#pragma once

#include "core/error.h"
#include "core/result.h"
#include "net/tls_context.h"
#include "net/tls_peer.h"

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace postern::net {

enum class TlsProgress { Done, WantsRead, WantsWrite, Failed };

struct TlsOutcome {
  TlsProgress progress = TlsProgress::Failed;
  std::size_t octets = 0;  // Done, of a read
};

class TlsSession {
 public:
  // `descriptor` stays open while the session lives. Fails only if OpenSSL has no memory.
  static Result<std::unique_ptr<TlsSession>> accepting(int descriptor, const TlsServerContext& context);
  static Result<std::unique_ptr<TlsSession>> connecting(int descriptor, const TlsClientContext& context,
                                                        const TlsPeer& peer);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  // Each goes as far as it can without blocking. On WantsRead or WantsWrite: wait for the socket, then call again with the
  // same arguments. On Failed: failure().
  TlsOutcome handshake();
  TlsOutcome read(std::span<char> space);
  TlsOutcome write(std::string_view octets);
  // Says close_notify if that is allowed and does not block.
  void say_goodbye();

  // Why the last call failed.
  Error failure() const;
  // What was wrong with a handshake that failed.
  TlsFault fault() const { return fault_; }
  std::string version() const;
  std::string cipher() const;

 private:
  // What the BIO saw of the socket.
  struct Wire {
    int descriptor = -1;
    int error = 0;
    bool has_ended = false;
  };
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  explicit TlsSession(int descriptor);
  bool attach(SSL_CTX* context);
  TlsOutcome outcome_of(int returned);
  static BIO_METHOD* wire_method();
  static int wire_read(BIO* bio, char* space, int size);
  static int wire_write(BIO* bio, const char* octets, int size);
  static long wire_control(BIO* bio, int command, long number, void* pointer);

  Wire wire_;
  std::unique_ptr<SSL, Free> ssl_;
  bool is_broken_ = false;  // a fatal error: no close_notify may follow
  int last_error_ = SSL_ERROR_NONE;
  std::string reason_;
  TlsFault fault_ = TlsFault::None;
};

}  // namespace postern::net
