// Admission: how many connections there may be, in all and from one address. Pure: it counts and answers, and never sees a
// socket. Any thread.
#pragma once

#include "core/ip_address.h"

#include <cstddef>
#include <map>
#include <mutex>

namespace postern::net {

struct AdmissionLimits {
  // About 100 KiB of buffers each in the worst case, and one descriptor.
  std::size_t total = 10'000;
  // One stranger must not take everything. By address for IPv4, by /64 for IPv6. Peers on loopback are bound by `total`
  // alone: a proxy or a mail server on this machine speaks for many.
  std::size_t per_address = 200;
};

enum class AdmissionVerdict { Admitted, TooManyInAll, TooManyFromAddress };

class Admission {
 public:
  explicit Admission(AdmissionLimits limits = {}) : limits_(limits) {}

  // Admitted: release() the same address when the connection ends. Memory is bounded by limits.total.
  [[nodiscard]] AdmissionVerdict admit(const IpAddress& peer);
  void release(const IpAddress& peer);

  // For new connections; those under way stay.
  void set_limits(AdmissionLimits limits);
  std::size_t count() const;

 private:
  mutable std::mutex mutex_;
  AdmissionLimits limits_;
  std::size_t total_ = 0;
  std::map<IpAddress, std::size_t> by_group_;
};

// Releases at the end of its life; for whoever owns the admitted connection. `admission` outlives it.
class AdmittedPeer {
 public:
  AdmittedPeer(Admission& admission, const IpAddress& peer) : admission_(admission), peer_(peer) {}
  AdmittedPeer(const AdmittedPeer&) = delete;
  AdmittedPeer& operator=(const AdmittedPeer&) = delete;
  ~AdmittedPeer() { admission_.release(peer_); }

 private:
  Admission& admission_;
  IpAddress peer_;
};

}  // namespace postern::net
