// TicketKeys: the keys of a context's TLS session tickets. Whoever has one can read the sessions whose tickets it sealed, so none
// lives long (RFC 5077 §5.5, RFC 9325 §3.4): a new one is made when the last is kLifetime old, and opens tickets as long again.
#pragma once

#include <openssl/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

namespace postern::net {

class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kLifetime{12};

  struct Key {
    std::array<unsigned char, 16> name{};  // goes with the ticket, in the clear
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
    Clock::time_point made{};
  };

  TicketKeys() = default;
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  // Any thread. nullopt: OpenSSL has no random octets.
  std::optional<Key> sealing_key(Clock::time_point now);
  // nullopt: it is not known, or too old.
  std::optional<Key> opening_key(std::span<const unsigned char> name, Clock::time_point now) const;

 private:
  mutable std::mutex mutex_;  // once a handshake that makes or takes a ticket
  std::optional<Key> current_;
  std::optional<Key> previous_;
};

// Gives `context` ticket keys of its own, which end with it.
void rotate_ticket_keys(SSL_CTX* context);

}  // namespace postern::net
