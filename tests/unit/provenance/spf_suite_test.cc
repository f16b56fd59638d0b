// The suite that the authors of SPF's implementations keep (tests/corpora/spf): 203 questions, each with the results allowed.
#include "core/bytes.h"
#include "provenance/spf.h"
#include "tests/support/coroutine_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <fstream>
#include <map>
#include <sstream>

namespace postern::provenance {
namespace {

namespace json = boost::json;

// One code point of the file is one octet.
std::string octets(const json::value& value) {
  std::string text;
  const std::string_view utf8 = value.as_string();
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    text += lead < 0x80 ? utf8[i] : static_cast<char>(((lead & 3) << 6) | (static_cast<unsigned char>(utf8[++i]) & 0x3F));
  }
  return text;
}

std::string wire_name(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    name.append(1, static_cast<char>(label.size())).append(label);
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  return name + '\0';
}

std::string wire(dns::Type type, const std::string& text) {
  if (type == dns::Type::Txt) {
    std::string rdata;
    std::size_t i = 0;
    do {
      const std::string part = text.substr(i, 255);
      rdata.append(1, static_cast<char>(part.size())).append(part);
      i += 255;
    } while (i < text.size());
    return rdata;
  }
  if (type == dns::Type::Mx) {
    const std::size_t space = text.find(' ');
    return std::string("\0", 1) + static_cast<char>(std::stoi(text.substr(0, space))) + wire_name(text.substr(space + 1));
  }
  if (type == dns::Type::Ptr || type == dns::Type::Cname) return wire_name(text);
  const IpAddress address = *parse_ip_address(text);
  return {address.octets.begin() + (type == dns::Type::A ? 12 : 0), address.octets.end()};
}

class SuiteZone final : public dns::Resolver {
 public:
  explicit SuiteZone(const json::object& zone) {
    for (const auto& [name, rows] : zone) {
      auto& place = zone_[to_ascii_lower(name)];
      for (const json::value& row : rows.as_array()) {
        place.emplace_back(octets(row.at(0)), row.as_array().size() > 1 ? octets(row.at(1)) : "");
      }
    }
  }

  void start(dns::Question question, Done done) override {
    dns::RawAnswer answer;
    answer.finding = dns::Finding::NoName;
    std::string name = to_ascii_lower(question.name);
    for (int alias = 0; alias < 4; ++alias) {
      const auto found = zone_.find(name);
      if (found == zone_.end()) break;
      answer.finding = dns::Finding::NoRecord;
      std::string target;
      bool is_silent = false;
      for (const auto& [type, text] : found->second) {
        if (type == dns::type_name(question.type)) answer.rdata.push_back(wire(question.type, text));
        if (type == "CNAME") target = to_ascii_lower(text);
        is_silent |= type == "TIMEOUT";
      }
      if (answer.rdata.empty() && is_silent) answer.finding = dns::Finding::TimedOut;
      if (!answer.rdata.empty() || target.empty()) break;
      name = target;
    }
    if (!answer.rdata.empty()) answer.finding = dns::Finding::Found;
    done(std::move(answer));
  }

 private:
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> zone_;
};

json::array suite() {
  std::ifstream file(POSTERN_CORPORA "/spf/rfc7208-tests.json");
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str()).as_array();
}

TEST(SpfSuite, EveryCaseOfTheSuiteForRfc7208HasOneOfTheResultsAllowed) {
  test::CoroutineLoop loop;
  std::size_t cases = 0;
  for (const json::value& document : suite()) {
    SuiteZone zone(document.at("zone").as_object());
    for (const json::value& one : document.at("tests").as_array()) {
      ++cases;
      SCOPED_TRACE(std::string(document.at("description").as_string()) + ": " + std::string(one.at("name").as_string()));
      const SpfSubject subject{.client = *parse_ip_address(octets(one.at("host"))),
                               .helo = octets(one.at("helo")),
                               .sender = octets(one.at("mailfrom")),
                               .receiver = "receiver.example",
                               .now = Instant(std::chrono::seconds(1'764'000'000))};
      const SpfVerdict verdict = loop.run(check_spf(zone, subject));
      std::vector<std::string> allowed;
      for (const json::value& result : one.at("result").as_array()) allowed.push_back(octets(result));
      EXPECT_THAT(allowed, testing::Contains(std::string(spf_result_name(verdict.result)))) << verdict.why;
      if (const json::value* words = one.as_object().if_contains("explanation"); words != nullptr) {
        EXPECT_EQ(verdict.explanation.empty() ? "DEFAULT" : verdict.explanation, octets(*words));
      }
    }
  }
  EXPECT_EQ(cases, 203U);
}

}  // namespace
}  // namespace postern::provenance
