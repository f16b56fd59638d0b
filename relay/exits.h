// Exits: the ways out of one destination, one for each source of its route's pool: connections of its own, since none is shared
// between addresses, and what its provider lets it do. Without a pool there is one, and the machine chooses the address.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "net/awaitable.h"
#include "relay/egress.h"
#include "relay/idle_connections.h"
#include "relay/provider_shaper.h"
#include "relay/route.h"
#include "relay/source_book.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

struct Exit {
  const EgressSource* source = nullptr;  // of the route; null: the machine chooses
  std::shared_ptr<IdleConnections> idle;
  std::shared_ptr<ProviderShaper> shaper{};  // of the domain's provider; null: not known yet, or nobody is shaped
  std::chrono::steady_clock::time_point clear_until{};  // its smarthost's TLS is broken: in the clear until then
  bool is_failing = false;   // the last session could not be had

  std::string source_name() const { return source == nullptr ? std::string() : source->name; }
  std::string_view provider() const { return shaper ? shaper->name() : std::string_view("other"); }
};

// 451 4.4.1: the source's address `own` is not on this machine; null: it has none of the family.
Status lacking_source(const EgressSource& source, const IpAddress* own, bool is_v4);

// On the queue's executor.
class Exits {
 public:
  // `route` outlives this. `book` null: nobody knows of sources, and none is missing or bounded.
  Exits(const net::Executor& executor, const Route& route, std::shared_ptr<SourceBook> book);

  bool has_sources() const { return !route_.egress.members.empty(); }
  std::size_t count() const { return exits_.size(); }
  // What a message was put off by, exit by exit, in an attempt of its own.
  using PutOff = std::vector<std::optional<Wait>>;
  PutOff none_put_off() const { return PutOff(exits_.size()); }
  // Another than those. Null: no message may leave now, and `wait` says until when, and why. Of a source that warms up a message is
  // counted: give_back() where none left.
  Exit* choose(Instant now, Random& random, const PutOff& put_off, Wait& wait);
  void put_off(const Exit& exit, const Wait& wait, PutOff& put_off) const;
  void give_back(const Exit& exit, Instant now);
  // Its source can do nothing there for now, whatever message it is.
  std::optional<Wait> closed(const Exit& exit, Instant now) const;

  // Of what the domain's mail hosts are, once that is known.
  std::string_view provider() const { return exits_.front().provider(); }
  bool knows_provider() const { return exits_.front().shaper != nullptr; }
  // The mail host that is tried first. A domain that is no provider's keeps shapers of its own.
  void use_provider_of(const std::string& host, ProviderShapers& shapers);

  std::size_t idle_connections() const;
  void close_all();

 private:
  SourceState state_of(const Exit& exit, Instant now) const;
  Wait wait_of(const Exit& exit, SourceState state, Instant now) const;

  const Route& route_;
  std::shared_ptr<SourceBook> book_;
  std::vector<Exit> exits_;  // as the pool's members
};

}  // namespace postern::relay
