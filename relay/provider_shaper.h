// ProviderShaper: what one provider may be given now, by its limits and by what it said (relay/shaping). Of a domain that is no
// provider's there is one too, of its own. It decides; it waits for nothing and reads no clock, so tables test it.
#pragma once

#include "core/clock.h"
#include "core/status.h"
#include "relay/shaping.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::relay {

// So many a minute, evenly, with a tenth of a minute's worth at once.
class Pace {
 public:
  // nullopt: granted. Else how long until one is.
  std::optional<Duration> take(std::uint32_t per_minute, Instant now);

 private:
  Instant next_;  // when the next one would come if all came evenly
};

// The providers of conf/shaping.toml, and "other" for everybody else: labels of metrics are closed sets.
std::vector<std::string> provider_labels();

// Why nothing may be begun now; values of a metric's label.
enum class Restraint : std::uint8_t {
  Suspended,
  Connections,
  Connects,
  Messages,
  WarmUp,  // the day's share of every source that may send is used up
  Source,  // no source has its address on this machine
};
inline constexpr std::size_t kRestraints = 6;
std::string_view restraint_name(Restraint restraint);

struct Wait {
  Duration time{0};
  Restraint why = Restraint::Suspended;
};

class ProviderShaper {
 public:
  // `provider` may be Shaping::kNoProvider. `source`: by name, what the mail leaves from; empty: from wherever the machine does.
  ProviderShaper(std::shared_ptr<const Shaping> shaping, std::size_t provider, std::string source = {});

  std::string_view name() const { return shaping_->name_of(provider_); }
  const std::string& source() const { return source_; }
  bool is_shared() const { return provider_ != Shaping::kNoProvider; }
  // Other rules, of the same provider by name; what it said before still holds.
  void use(std::shared_ptr<const Shaping> shaping, std::size_t provider);

  // A message may be begun; nullopt: it is counted.
  std::optional<Wait> admit_message(Instant now);
  // A connection may be opened; nullopt: it is counted, until connection_ended().
  std::optional<Wait> admit_connection(Instant now);
  void connection_ended();
  std::uint32_t connections() const { return connections_; }

  // What holds now, with what rules added.
  ShapingLimits limits(Instant now) const;
  std::optional<Instant> suspended_until(Instant now) const;

  // A rule that the provider's word has set off.
  struct Fired {
    const ShapingRule* rule = nullptr;  // of the shaping in use
    Instant until;
  };
  // After each word that is not positive.
  std::vector<Fired> heard(const Status& status, Instant now);

 private:
  struct Slowed {
    ShapingLimits limits;
    Instant until;
  };

  std::shared_ptr<const Shaping> shaping_;
  std::size_t provider_;
  std::string source_;
  std::uint32_t connections_ = 0;
  Pace connects_;
  Pace messages_;
  Instant suspended_until_;
  std::map<std::string, Slowed> slowed_;               // by what the rule is said by: at most as many as there are rules
  std::map<std::string, std::deque<Instant>> said_;    // of rules that want it several times an hour: the last of them
};

// All providers, by name, as each source has them: what one address is refused another may be granted. On the queue's executor,
// but for use().
class ProviderShapers {
 public:
  // Null: nobody is shaped.
  explicit ProviderShapers(std::shared_ptr<const Shaping> shaping) : shaping_(std::move(shaping)) {}

  bool is_on() const { return shaping_ != nullptr; }
  const Shaping& shaping() const { return *shaping_; }
  void use(std::shared_ptr<const Shaping> shaping);
  // Of the provider that the mail host is one of, shared by all who ask from the same source; of no provider, one that is the
  // caller's own.
  std::shared_ptr<ProviderShaper> of_host(std::string_view host, const std::string& source = {});

 private:
  std::shared_ptr<const Shaping> shaping_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<ProviderShaper>> shapers_;  // by provider, source
};

// The provider said something that is not positive: heard, and logged where that sets off a rule.
void note_provider_word(ProviderShaper& shaper, const Status& status, Instant now);

// A connection that counts while it lives.
class CountedConnection {
 public:
  // admit_connection() was granted.
  explicit CountedConnection(std::shared_ptr<ProviderShaper> shaper);
  ~CountedConnection();
  CountedConnection(const CountedConnection&) = delete;
  CountedConnection& operator=(const CountedConnection&) = delete;

 private:
  std::shared_ptr<ProviderShaper> shaper_;
  std::size_t place_;  // of its provider's name as the connection began, among provider_labels()
};

}  // namespace postern::relay
