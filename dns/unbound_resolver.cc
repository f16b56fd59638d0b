#include "dns/unbound_resolver.h"

#include "core/bytes.h"
#include "dns/unbound_context.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace postern::dns {
namespace {

namespace asio = net::asio;

// A file that is read again when it has changed.
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}

  // True at the first call, too.
  bool has_changed() {
    struct stat facts {};
    const bool is_there = ::stat(path_.c_str(), &facts) == 0;
    const Mark mark{is_there, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
    return std::exchange(mark_, mark) != mark;
  }
  // Empty where it cannot be read.
  std::string read() const {
    std::ifstream file(path_, std::ios::binary);
    const auto octets = static_cast<std::size_t>(std::max<off_t>(std::get<2>(mark_), 0));
    std::string text(std::min(octets, kMaxSystemFileOctets), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
  }

 private:
  using Mark = std::tuple<bool, ino_t, off_t, time_t, long>;
  std::string path_;
  Mark mark_{false, 0, -1, 0, 0};
};

RawAnswer answer_of_hosts(const std::vector<IpAddress>& addresses, Type type) {
  RawAnswer answer;
  for (const IpAddress& address : addresses) {
    if (address.is_v4() != (type == Type::A)) continue;
    const std::size_t begin = address.is_v4() ? 12 : 0;
    answer.rdata.emplace_back(address.octets.begin() + static_cast<std::ptrdiff_t>(begin), address.octets.end());
  }
  answer.finding = answer.rdata.empty() ? Finding::NoRecord : Finding::Found;
  return answer;
}

RawAnswer unanswered(Finding finding, std::string_view why) {
  RawAnswer answer;
  answer.finding = finding;
  answer.why = why;
  return answer;
}

bool is_askable(const std::string& name) { return name.find('\0') == std::string::npos; }

class UnboundResolver final : public Resolver {
 public:
  explicit UnboundResolver(ResolverSettings settings)
      : settings_(std::move(settings)),
        hosts_file_(settings_.hosts_file),
        resolv_conf_(settings_.resolv_conf),
        work_(io_.get_executor()) {}
  ~UnboundResolver() override;

  // Before any other.
  Result<void> open();

  void start(Question question, Done done) override;
  std::chrono::milliseconds timeout() const override { return settings_.timeout; }
  ResolvConf conf() const override {
    const std::lock_guard lock(mutex_);
    return conf_;
  }

 private:
  // A context and what it was asked. One that was replaced lives until it has answered all of that.
  struct Generation {
    Generation(asio::io_context& io, std::unique_ptr<UnboundContext> opened)
        : context(std::move(opened)), descriptor(io, context->descriptor()) {}
    ~Generation() { descriptor.release(); }

    std::unique_ptr<UnboundContext> context;
    asio::posix::stream_descriptor descriptor;  // the context's
    std::size_t under_way = 0;
  };
  using GenerationPtr = std::shared_ptr<Generation>;

  // What libunbound hands back with an answer. Kept until then even if its asker has gone.
  struct Asked {
    UnboundResolver* resolver;
    Question question;
    Done done;
    Generation* generation = nullptr;
  };

  static void on_answer(void* asked, int error, ub_result* result);
  void begin(Asked* asked);
  void finish(Asked* asked, RawAnswer answer);
  const std::vector<IpAddress>* find_in_hosts(const std::string& name);
  Result<void> follow_servers();
  void listen(const GenerationPtr& generation);

  const ResolverSettings settings_;
  mutable std::mutex mutex_;  // of what follows
  std::unordered_map<Asked*, std::unique_ptr<Asked>> asked_;
  ResolvConf conf_;

  WatchedFile hosts_file_;  // from here on the thread's
  WatchedFile resolv_conf_;
  HostTable hosts_;
  std::vector<std::string> servers_;  // that current_ asks
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  GenerationPtr current_;
  std::thread thread_;
};

Result<void> UnboundResolver::open() {
  if (auto followed = follow_servers(); !followed) return followed;
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

UnboundResolver::~UnboundResolver() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
  current_.reset();
  for (auto& [key, asked] : asked_) {
    asked->done(unanswered(Finding::Cancelled, "the resolver has ended"));
  }
}

void UnboundResolver::start(Question question, Done done) {
  if (!is_askable(question.name)) return done(unanswered(Finding::Failed, "not a name"));
  auto owned = std::make_unique<Asked>(Asked{this, std::move(question), std::move(done)});
  Asked* const asked = owned.get();
  {
    const std::lock_guard lock(mutex_);
    if (asked_.size() < kMaxUnderWay) asked_.emplace(asked, std::move(owned));
  }
  if (owned) return owned->done(unanswered(Finding::Failed, "too many look-ups are under way"));
  asio::post(io_, [this, asked] { begin(asked); });
}

void UnboundResolver::begin(Asked* asked) {
  const Question& question = asked->question;
  if (!question.hosts_name.empty()) {
    if (const auto* found = find_in_hosts(question.hosts_name)) return finish(asked, answer_of_hosts(*found, question.type));
  }
  // Servers that cannot be taken over leave those that were.
  static_cast<void>(follow_servers());
  asked->generation = current_.get();
  ++current_->under_way;
  const Result<void> begun = current_->context->start(question.name, question.type, asked, &on_answer);
  if (begun) return;
  --current_->under_way;
  finish(asked, unanswered(Finding::Failed, begun.error().context()));
}

void UnboundResolver::on_answer(void* argument, int error, ub_result* result) {
  auto* const asked = static_cast<Asked*>(argument);
  --asked->generation->under_way;
  asked->resolver->finish(asked, take_unbound_answer(error, result));
}

void UnboundResolver::finish(Asked* asked, RawAnswer answer) {
  std::unique_ptr<Asked> owned;
  {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(asked);
    owned = std::move(found->second);
    asked_.erase(found);
  }
  owned->done(std::move(answer));
}

const std::vector<IpAddress>* UnboundResolver::find_in_hosts(const std::string& name) {
  if (hosts_file_.has_changed()) hosts_ = parse_hosts(hosts_file_.read());
  std::string key = to_ascii_lower(name);
  if (key.ends_with('.')) key.pop_back();
  const auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

// At the start, and whenever the machine's name servers have changed.
Result<void> UnboundResolver::follow_servers() {
  if (!resolv_conf_.has_changed()) return {};
  ResolvConf conf = parse_resolv_conf(resolv_conf_.read());
  const bool is_configured = !settings_.servers.empty();
  const std::vector<std::string> servers = is_configured ? settings_.servers : conf.servers;
  {
    const std::lock_guard lock(mutex_);
    conf_ = std::move(conf);
  }
  if (current_ && servers == servers_) return {};
  try {
    auto context = UnboundContext::open(servers, !is_configured, settings_.trust_anchor_file);
    if (!context) return context.error();
    const GenerationPtr before = std::exchange(current_, std::make_shared<Generation>(io_, std::move(*context)));
    if (before && before->under_way == 0) before->descriptor.cancel();
  } catch (const std::system_error&) {
    if (!current_) throw;
    return {};
  }
  servers_ = servers;
  listen(current_);
  return {};
}

void UnboundResolver::listen(const GenerationPtr& generation) {
  auto on_ready = [this, generation](const boost::system::error_code& failure) {
    if (failure) return;
    generation->context->process();
    if (generation == current_ || generation->under_way > 0) listen(generation);
  };
  generation->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, std::move(on_ready));
}

}  // namespace

Result<std::unique_ptr<Resolver>> open_resolver(const ResolverSettings& settings) {
  auto resolver = std::make_unique<UnboundResolver>(settings);
  if (auto opened = resolver->open(); !opened) return opened.error();
  return std::unique_ptr<Resolver>(std::move(resolver));
}

}  // namespace postern::dns
