// JSON Schemas of openapi.json in words: the fields of one as a table, and an example of what it describes. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace postern::api {

class SchemaText {
 public:
  // "#/components/schemas": references lead here. Must outlive this.
  explicit SchemaText(const boost::json::object& schemas) : schemas_(schemas) {}

  // A table of Markdown, a row a member; empty for what is no object.
  std::string fields(const boost::json::object& schema) const;
  // "string or null", "list of [Event](#event)", "`live` or `test`", with its bounds.
  std::string type(const boost::json::object& schema) const;
  // Indented JSON of what the schema describes.
  std::string example(const boost::json::object& schema) const;

 private:
  const boost::json::object& schemas_;
};

}  // namespace postern::api
