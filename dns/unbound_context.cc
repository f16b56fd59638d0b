#include "dns/unbound_context.h"

#include "core/bytes.h"
#include "dns/unbound_resolver.h"

#include <unbound.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace postern::dns {
namespace {

constexpr int kClassIn = 1;
constexpr int kNoError = 0;  // RFC 1035 §4.1.1: RCODE
constexpr int kServerFailure = 2;
constexpr int kNameError = 3;
constexpr int kRefused = 5;
constexpr std::size_t kMaxWhyOctets = 200;

Error setup_failed(std::string_view what, int error) {
  return Error(ErrorCode::ResolveFailed, std::string(what) + ": " + ub_strerror(error));
}

Result<void> set_options(ub_ctx* context) {
  const std::string cache_octets = std::to_string(kMaxResolverCacheOctets);
  const std::string sockets = std::to_string(kMaxResolverSockets);
  const std::pair<const char*, const char*> options[] = {
      {"do-not-query-localhost:", "no"},  // a resolver of the machine's own
      // Whoever mends a record and asks again should not hear for a day what it was.
      {"cache-max-ttl:", "300"},
      {"cache-max-negative-ttl:", "5"},
      {"msg-cache-size:", cache_octets.c_str()},
      {"rrset-cache-size:", cache_octets.c_str()},
      {"outgoing-range:", sockets.c_str()},  // as it comes: 16
      {"outgoing-num-tcp:", "32"},           // as it comes: 2, for all answers that UDP is too small for
      // A server that was silent for a while is asked again at once, not after two to fifteen minutes.
      {"infra-cache-max-rtt:", "4000"},
      {"infra-keep-probing:", "yes"},
      {"infra-host-ttl:", "60"},
      {"unblock-lan-zones:", "yes"},   // the reverse of private networks
      {"insecure-lan-zones:", "yes"},  // which nobody signs; nor what stands below the next two
      {"domain-insecure:", "test."},
      {"domain-insecure:", "home.arpa."},
  };
  for (const auto& [option, value] : options) {
    if (const int error = ub_ctx_set_option(context, option, value); error != 0) return setup_failed(option, error);
  }
  return {};
}

Result<void> set_servers(ub_ctx* context, const std::vector<std::string>& servers, bool is_lenient) {
  for (const std::string& server : servers) {
    const int error = ub_ctx_set_fwd(context, server.c_str());
    if (error != 0 && !is_lenient) return setup_failed("DNS server " + server, error);
  }
  return {};
}

Result<void> add_anchor(ub_ctx* context, const std::string& file) {
  std::error_code ignored;
  if (file.empty() || !std::filesystem::exists(file, ignored)) return {};
  const int error = ub_ctx_add_ta_file(context, file.c_str());
  if (error != 0) return setup_failed(file, error);
  return {};
}

// libunbound makes its thread for the first question, and does not look whether it got one. So there is
// a first question, whose answer nobody waits for, and before it a look whether there is a thread to
// spare.
Result<void> begin_working(ub_ctx* context) {
  if (const int error = ub_ctx_async(context, 1); error != 0) return setup_failed("libunbound's thread", error);
  // Else libunbound answers for these itself, whatever the configured servers have. After this no
  // option can be set.
  for (const char* zone : {"test.", "home.arpa."}) {
    if (const int error = ub_ctx_zone_remove(context, zone); error != 0) return setup_failed(zone, error);
  }
  std::thread([] {}).join();
  int asked = 0;
  const auto ignore = [](void*, int, ub_result* result) { ub_resolve_free(result); };
  const int error = ub_resolve_async(context, "localhost", static_cast<int>(Type::A), kClassIn, nullptr, ignore, &asked);
  if (error != 0) return setup_failed("libunbound's thread", error);
  ub_cancel(context, asked);
  return {};
}

std::string describe_code(int code) {
  switch (code) {
    case kServerFailure: return "the DNS answered SERVFAIL";
    case kRefused: return "the DNS answered REFUSED";
    default: return "the DNS answered with code " + std::to_string(code);
  }
}

void read_outcome(const ub_result& result, RawAnswer& answer) {
  answer.is_secure = result.secure != 0;
  answer.ttl = std::chrono::seconds(result.ttl);
  if (result.bogus != 0) {
    answer.finding = Finding::Bogus;
    answer.why = "DNSSEC validation failed";
    if (result.why_bogus != nullptr) answer.why += ": " + escape_for_log(result.why_bogus, kMaxWhyOctets);
  } else if (result.rcode != kNoError && result.rcode != kNameError) {
    answer.finding = Finding::Failed;
    answer.why = describe_code(result.rcode);
  } else if (result.havedata != 0) {
    answer.finding = Finding::Found;
  } else {
    answer.finding = result.rcode == kNameError ? Finding::NoName : Finding::NoRecord;
  }
}

void read_data(const ub_result& result, RawAnswer& answer) {
  if (answer.is_found()) {
    for (std::size_t i = 0; result.data[i] != nullptr && answer.rdata.size() < kMaxRecords; ++i) {
      answer.rdata.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
    }
  }
  if (result.canonname != nullptr && result.answer_packet != nullptr) {
    answer.aliases = find_aliases(Octets(static_cast<const std::uint8_t*>(result.answer_packet),
                                         static_cast<std::size_t>(result.answer_len)));
  }
}

}  // namespace

Result<std::unique_ptr<UnboundContext>> UnboundContext::open(const std::vector<std::string>& servers,
                                                             bool is_lenient,
                                                             const std::string& anchor_file) {
  ub_ctx* const made = ub_ctx_create();
  if (made == nullptr) return Error(ErrorCode::ResolveFailed, "libunbound cannot be set up");
  std::unique_ptr<UnboundContext> context(new UnboundContext(made));
  if (auto set = set_options(made); !set) return set.error();
  if (auto set = set_servers(made, servers, is_lenient); !set) return set.error();
  if (auto set = add_anchor(made, anchor_file); !set) return set.error();
  if (auto begun = begin_working(made); !begun) return begun.error();
  return context;
}

UnboundContext::~UnboundContext() { ub_ctx_delete(context_); }

Result<void> UnboundContext::start(const std::string& name, Type type, void* argument, Callback callback) {
  const int error = ub_resolve_async(context_, name.c_str(), static_cast<int>(type), kClassIn, argument, callback, nullptr);
  if (error != 0) return Error(ErrorCode::ResolveFailed, ub_strerror(error));
  return {};
}

int UnboundContext::descriptor() const { return ub_fd(context_); }

void UnboundContext::process() { ub_process(context_); }

RawAnswer take_unbound_answer(int error, ub_result* result) {
  RawAnswer answer;
  if (error != 0 || result == nullptr) {
    answer.why = ub_strerror(error);
  } else {
    read_outcome(*result, answer);
    read_data(*result, answer);
  }
  ub_resolve_free(result);
  return answer;
}

}  // namespace postern::dns
