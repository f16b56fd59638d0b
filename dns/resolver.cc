// One libunbound context, which is thread-safe, for all callers: its worker thread resolves, a thread of ours (the pump) takes
// the answers and wakes whoever asked. So a look-up can be left alone when its time is up, and the cache is shared.
#include "dns/resolver.h"

#include "core/bytes.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <future>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

namespace postern::dns {
namespace {

constexpr std::size_t kMaxPending = 256;    // look-ups under way or given up by their callers; one more is refused
constexpr std::size_t kMaxValues = 100;     // of one answer: more is no mail set-up
constexpr std::size_t kMaxLabels = 128;     // RFC 1035 §3.1: 255 octets
constexpr int kClassIn = 1;
constexpr int kNoError = 0;
constexpr int kNameError = 3;
// Whoever mends a record and asks again should not hear for a day what it was.
constexpr const char* kMaxCacheSeconds = "60";
constexpr const char* kMaxNegativeCacheSeconds = "5";

struct TypeRow {
  std::string_view name;
  int code;
};
constexpr std::array<TypeRow, 5> kTypes = {{{"A", 1}, {"CNAME", 5}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}}};

const TypeRow* find_type(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name, &TypeRow::name);
  return found == kTypes.end() ? nullptr : &*found;
}

using Rdata = std::span<const unsigned char>;

std::string text_of(Rdata octets) { return std::string(octets.begin(), octets.end()); }

std::optional<std::string> decode_txt(Rdata rdata) {
  std::string joined;
  while (!rdata.empty()) {
    const std::size_t length = rdata.front();
    rdata = rdata.subspan(1);
    if (length > rdata.size()) return std::nullopt;
    joined += text_of(rdata.first(length));
    rdata = rdata.subspan(length);
  }
  return joined;
}

// Uncompressed, as libunbound gives it.
std::optional<std::string> decode_name(Rdata rdata) {
  std::string name;
  for (std::size_t labels = 0; labels < kMaxLabels && !rdata.empty(); ++labels) {
    const std::size_t length = rdata.front();
    rdata = rdata.subspan(1);
    if (length == 0) return name.empty() ? "." : to_ascii_lower(name);
    if (length > rdata.size()) return std::nullopt;
    name += (name.empty() ? "" : ".") + text_of(rdata.first(length));
    rdata = rdata.subspan(length);
  }
  return std::nullopt;
}

std::optional<std::string> decode_mx(Rdata rdata) {
  if (rdata.size() < 3) return std::nullopt;
  const auto host = decode_name(rdata.subspan(2));
  if (!host) return std::nullopt;
  return std::to_string(rdata[0] * 256 + rdata[1]) + " " + *host;
}

std::optional<std::string> decode_address(Rdata rdata, int family, std::size_t octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (rdata.size() != octets || ::inet_ntop(family, rdata.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  return std::string(text.data());
}

std::optional<std::string> decode(std::string_view type, Rdata rdata) {
  if (type == "TXT") return decode_txt(rdata);
  if (type == "CNAME") return decode_name(rdata);
  if (type == "MX") return decode_mx(rdata);
  return type == "A" ? decode_address(rdata, AF_INET, 4) : decode_address(rdata, AF_INET6, 16);
}

Error resolve_failed(std::string_view name, std::string_view type, std::string_view why) {
  return Error(ErrorCode::ResolveFailed, std::string(type) + " " + escape_for_log(name) + ": " + std::string(why));
}

Result<DnsAnswer> read_answer(const ub_result& result, std::string_view name, std::string_view type) {
  if (result.bogus) return resolve_failed(name, type, "DNSSEC validation failed");
  if (result.rcode != kNoError && result.rcode != kNameError) {
    return resolve_failed(name, type, "the DNS answered with code " + std::to_string(result.rcode));
  }
  DnsAnswer answer;
  answer.is_secure = result.secure != 0;
  if (!result.havedata) return answer;
  answer.exists = true;
  for (std::size_t i = 0; result.data[i] != nullptr && answer.values.size() < kMaxValues; ++i) {
    const Rdata rdata(reinterpret_cast<const unsigned char*>(result.data[i]), static_cast<std::size_t>(result.len[i]));
    auto value = decode(type, rdata);
    if (!value) return resolve_failed(name, type, "a record is malformed");
    answer.values.push_back(std::move(*value));
  }
  return answer;
}

struct ContextDeleter {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using Context = std::unique_ptr<ub_ctx, ContextDeleter>;

Error setup_failed(std::string_view what, int error) {
  return Error(ErrorCode::ResolveFailed, std::string(what) + ": " + ub_strerror(error));
}

Result<void> set_servers(ub_ctx* context, const std::vector<std::string>& servers) {
  if (servers.empty()) {
    const int error = ub_ctx_resolvconf(context, nullptr);
    if (error != 0) return setup_failed("/etc/resolv.conf", error);
    return {};
  }
  for (const std::string& server : servers) {
    if (const int error = ub_ctx_set_fwd(context, server.c_str()); error != 0) return setup_failed("DNS server " + server, error);
  }
  return {};
}

Result<Context> make_context(const ResolverSettings& settings) {
  Context context(ub_ctx_create());
  if (!context) return Error(ErrorCode::ResolveFailed, "libunbound cannot be set up");
  const std::string cache_octets = std::to_string(kMaxResolverCacheOctets);
  const std::array<std::pair<const char*, const char*>, 9> options = {{
      {"do-not-query-localhost:", "no"},  // a resolver of the machine's own
      {"cache-max-ttl:", kMaxCacheSeconds},
      {"cache-max-negative-ttl:", kMaxNegativeCacheSeconds},
      {"msg-cache-size:", cache_octets.c_str()},
      {"rrset-cache-size:", cache_octets.c_str()},
      {"unblock-lan-zones:", "yes"},   // the reverse of private networks
      {"insecure-lan-zones:", "yes"},  // which nobody signs; nor what stands below the next two
      {"domain-insecure:", "test."},
      {"domain-insecure:", "home.arpa."},
  }};
  for (const auto& [option, value] : options) {
    if (const int error = ub_ctx_set_option(context.get(), option, value); error != 0) return setup_failed(option, error);
  }
  if (auto set = set_servers(context.get(), settings.servers); !set) return set.error();
  std::error_code ignored;
  if (!settings.trust_anchor_file.empty() && std::filesystem::exists(settings.trust_anchor_file, ignored)) {
    const int error = ub_ctx_add_ta_file(context.get(), settings.trust_anchor_file.c_str());
    if (error != 0) return setup_failed(settings.trust_anchor_file, error);
  }
  if (const int error = ub_ctx_async(context.get(), 1); error != 0) return setup_failed("libunbound's thread", error);
  // Else libunbound answers for these itself, whatever the configured servers have. After this no option can be set.
  for (const char* zone : {"test.", "home.arpa."}) {
    if (const int error = ub_ctx_zone_remove(context.get(), zone); error != 0) return setup_failed(zone, error);
  }
  return context;
}

// libunbound makes its thread for the first question, and does not look whether it got one. So there is a first question, whose
// answer nobody waits for, and before it a look whether there is a thread to spare.
Result<void> begin_working(ub_ctx* context) {
  std::thread([] {}).join();
  int asked = 0;
  const int error = ub_resolve_async(
      context, "localhost", kTypes.front().code, kClassIn, nullptr, [](void*, int, ub_result* result) { ub_resolve_free(result); },
      &asked);
  if (error != 0) return setup_failed("libunbound's thread", error);
  ub_cancel(context, asked);
  return {};
}

class UnboundResolver final : public Resolver {
 public:
  // Takes `stop_fd`, an eventfd.
  UnboundResolver(Context context, std::chrono::milliseconds timeout, int stop_fd)
      : context_(std::move(context)), timeout_(timeout), stop_fd_(stop_fd), pump_([this] { pump(); }) {}
  ~UnboundResolver() override {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stop_fd_, &one, sizeof one));
    pump_.join();
    context_.reset();
    ::close(stop_fd_);
  }

  Result<DnsAnswer> look_up(std::string_view name, std::string_view type) override;

 private:
  // What libunbound hands back with an answer. Kept until then even if its caller has gone: libunbound may be about to answer.
  struct Question {
    UnboundResolver* resolver = nullptr;
    std::string name;
    std::string_view type;
    std::promise<Result<DnsAnswer>> answer;
  };

  static void on_answer(void* question, int error, ub_result* result);
  void pump();
  std::unique_ptr<Question> take(Question* question);

  Context context_;
  std::chrono::milliseconds timeout_;
  std::mutex mutex_;  // of `questions_`
  std::unordered_map<Question*, std::unique_ptr<Question>> questions_;
  int stop_fd_;
  std::thread pump_;
};

Result<DnsAnswer> UnboundResolver::look_up(std::string_view name, std::string_view type) {
  const TypeRow* row = find_type(type);
  if (row == nullptr) return Error(ErrorCode::InvalidArgument, "no such record type: " + std::string(type));
  auto owned = std::make_unique<Question>();
  Question* question = owned.get();
  question->resolver = this;
  question->name = name;
  question->type = row->name;
  std::future<Result<DnsAnswer>> answer = question->answer.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (questions_.size() >= kMaxPending) return resolve_failed(name, type, "too many look-ups are under way");
    questions_.emplace(question, std::move(owned));
  }
  // Read here: an answer may end the question's life at once.
  const std::string asked(name);
  const int error = ub_resolve_async(context_.get(), asked.c_str(), row->code, kClassIn, question, &on_answer, nullptr);
  if (error != 0) {
    take(question);
    return resolve_failed(name, type, ub_strerror(error));
  }
  if (answer.wait_for(timeout_) != std::future_status::ready) {
    return resolve_failed(name, type, "no answer within " + std::to_string(timeout_.count()) + " ms");
  }
  return answer.get();
}

std::unique_ptr<UnboundResolver::Question> UnboundResolver::take(Question* question) {
  const std::lock_guard lock(mutex_);
  const auto found = questions_.find(question);
  std::unique_ptr<Question> owned = std::move(found->second);
  questions_.erase(found);
  return owned;
}

void UnboundResolver::on_answer(void* argument, int error, ub_result* result) {
  auto* const asked = static_cast<Question*>(argument);
  const std::unique_ptr<Question> question = asked->resolver->take(asked);
  question->answer.set_value(error != 0 ? resolve_failed(question->name, question->type, ub_strerror(error))
                                        : read_answer(*result, question->name, question->type));
  ub_resolve_free(result);
}

void UnboundResolver::pump() {
  std::array<pollfd, 2> waiting = {{{ub_fd(context_.get()), POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
  for (;;) {
    const int ready = ::poll(waiting.data(), waiting.size(), -1);
    if (ready < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents != 0) ub_process(context_.get());
  }
}

}  // namespace

Result<std::unique_ptr<Resolver>> Resolver::open(const ResolverSettings& settings) {
  auto context = make_context(settings);
  if (!context) return context.error();
  if (auto begun = begin_working(context->get()); !begun) return begun.error();
  const int stop_fd = ::eventfd(0, EFD_CLOEXEC);
  if (stop_fd < 0) return Error(ErrorCode::ResolveFailed, "no eventfd for the resolver");
  try {
    return std::make_unique<UnboundResolver>(std::move(*context), settings.timeout, stop_fd);
  } catch (const std::system_error&) {
    ::close(stop_fd);
    throw;
  }
}

}  // namespace postern::dns
