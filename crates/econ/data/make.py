#!/usr/bin/env python3
"""Makes the price book's files from the data sets they come from; figures carry over, files do not.

    python3 make.py DATA [--iso /usr/share/iso-codes/json/iso_3166-1.json]

DATA holds `prices/` (LiteLLM's and genai-prices' JSON, the-full-stack's GPU tables) and `energy/`
(CodeCarbon's tables, yearly wholesale prices, mlco2's GPU table). Two-letter country codes come from Debian's iso-codes. Writes
models.toml, gpus.toml and energy.toml beside this script. The same data give the same files.
"""

import argparse
import csv
import json
import re
from pathlib import Path

HERE = Path(__file__).parent
GENAI, LITELLM = "2026-08-21", "2026-08-01"

# ---------------------------------------------------------------- models

# The large ones that people compare with: (provider of genai-prices, id).
COMPARED = {
    "openai": "gpt-4o gpt-4o-mini gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-3.5-turbo gpt-4-turbo o1 o3 o3-mini o4-mini gpt-5 gpt-5-mini "
    "gpt-5-nano gpt-5.1 gpt-5.2 gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.5",
    "anthropic": "claude-3-haiku claude-3-5-haiku-latest claude-3-5-sonnet claude-3-7-sonnet-latest claude-haiku-4-5 claude-sonnet-4-0 "
    "claude-sonnet-4-5 claude-sonnet-4-6 claude-opus-4-1 claude-opus-4-5 claude-opus-4-8 claude-opus-5 claude-sonnet-5",
    "google": "gemini-1.5-flash gemini-1.5-pro gemini-2.0-flash gemini-2.0-flash-lite gemini-2.5-flash gemini-2.5-flash-lite "
    "gemini-2.5-pro gemini-3-flash-preview gemini-3.1-flash-lite gemini-3.1-pro-preview",
    "mistral": "ministral-3b ministral-8b mistral-7b mistral-nemo mistral-small-latest mistral-small-2603 mistral-medium-3 mistral-large "
    "mistral-large-2512",
    "deepseek": "deepseek-chat deepseek-reasoner deepseek-v3.2 deepseek-v4-flash deepseek-v4-pro",
    "cohere": "command-r7b command-r command-r-plus command-a",
    "x-ai": "grok-3 grok-3-mini grok-4-0709 grok-4.3",
    "groq": "openai/gpt-oss-20b openai/gpt-oss-120b qwen/qwen3-32b meta-llama/llama-4-scout-17b-16e-instruct",
}

# Hosts as both sources call them, to one name.
HOSTS = {
    "together_ai": "together", "fireworks_ai": "fireworks", "bedrock_converse": "aws", "bedrock": "aws", "meta": "aws",
    "vertex_ai-llama_models": "vertex", "vertex_ai": "vertex", "azure_ai": "azure", "lambda_ai": "lambda",
    "fireworks_ai-embedding-models": "fireworks", "vercel_ai_gateway": "vercel",
}
# Retired, resold, or a mirror of another host.
NOT_HOSTS = {"gradient_ai", "ollama", "nvidia_nim", "openrouter", "vercel", "perplexity", "llamagate", "wandb", "snowflake", "oci"}

FAMILY = re.compile(
    r"(?:^|[/.@-])(?:meta-)?(?P<family>llama-?v?|qwen-?)(?P<version>3[.p-][123]|2[.p-]5)-(?P<size>\d+(?:[.p]\d+)?b)"
    r"(?P<rest>(?:-instruct|-instant|-versatile|-turbo|-preview|-text-preview|-fp8|-bf16|-fast|-maas|-v1:0|-vision)*)$"
)


def canonical(id_):
    """`Llama-3.1-8B-Instruct` for every host's spelling of it; None for what is not of the two families."""
    found = FAMILY.search(id_.lower())
    # Vision models, models of others made from these, and one that nobody serves on a machine of their own.
    if not found or found["size"] in ("11b", "90b", "405b") or re.search("hermes|nemotron|deepseek", id_.lower()):
        return None
    family = "Llama" if found["family"].startswith("llama") else "Qwen"
    version, size = re.sub("[p-]", ".", found["version"]), found["size"].replace("p", ".").upper()
    sort = "-Turbo" if "-turbo" in found["rest"] else ""
    return f"{family}-{version}-{size}-Instruct{sort}" if family == "Llama" else f"{family}{version}-{size}-Instruct{sort}"


def plain(price):
    return price["base"] if isinstance(price, dict) else price


def announced(prices):
    """The last prices announced and the date from which they hold; of prices by the time of day the second, which is the standard one."""
    if isinstance(prices, dict):
        return prices, GENAI
    last = prices[-1]
    return last["prices"], max(GENAI, last.get("constraint", {}).get("start_date", ""))


def models(data):
    found = {}

    def put(host, name, id_, input_, output, source, date):
        if input_ and output and 0 < input_ < 1000 and 0 < output < 1000:
            known = found.get((host, name))
            # The first spelling stands; a later source of a later date replaces it.
            if known is None or known["date"] < date:
                found[(host, name)] = dict(host=host, name=name, id=id_, input=round(input_, 6), output=round(output, 6), source=source, date=date)

    for id_, entry in json.loads((data / "prices/litellm_model_prices.json").read_text()).items():
        host = HOSTS.get(entry.get("litellm_provider"), entry.get("litellm_provider"))
        name = canonical(id_)
        if name and host not in NOT_HOSTS and entry.get("mode") == "chat" and not re.match(r"(us|eu|apac)\.", id_):
            put(host, name, id_, (entry.get("input_cost_per_token") or 0) * 1e6, (entry.get("output_cost_per_token") or 0) * 1e6, "litellm", LITELLM)
    for provider in json.loads((data / "prices/genai_prices.json").read_text()):
        compared = COMPARED.get(provider["id"], "").split()
        for entry in provider["models"]:
            prices, date = announced(entry["prices"])
            input_, output = plain(prices.get("input_mtok")), plain(prices.get("output_mtok"))
            if entry["id"] in compared:
                put(provider["id"], entry["id"].split("/")[-1], entry["id"], input_, output, "genai-prices", date)
            elif canonical(entry["id"]) and provider["id"] != "openrouter" and not provider["id"].startswith("huggingface"):
                put(provider["id"], canonical(entry["id"]), entry["id"], input_, output, "genai-prices", date)
    missing = {(host, id_.split("/")[-1]) for host, ids in COMPARED.items() for id_ in ids.split()} - set(found)
    assert not missing, missing
    rows = sorted(found.values(), key=lambda row: (row["name"].lower(), row["host"]))
    return [(row | {"id": None} if row["id"] == row["name"] else row) for row in rows]


# ---------------------------------------------------------------- GPUs

GPU_NAMES = {
    "A100 (80 GB)": "A100-80GB", "A100 (40 GB)": "A100-40GB", "V100 (16 GB)": "V100-16GB", "V100 (32 GB)": "V100-32GB",
    "A10G (24 GB)": "A10G", "A10 (24 GB)": "A10", "T4 (16 GB)": "T4", "L4 (24 GB)": "L4", "L40 (48 GB)": "L40", "L40S (48 GB)": "L40S",
    "H100 (80 GB)": "H100-80GB", "H100 HGX (80GB)": "H100-80GB-SXM", "H100 PCIe (80GB)": "H100-80GB-PCIe", "GH200 (96 GB)": "GH200",
    "A6000 (48 GB)": "RTX-A6000", "RTX A6000 (48 GB)": "RTX-A6000", "A5000 (24 GB)": "RTX-A5000", "A4000 (16 GB)": "RTX-A4000",
    "A40 (48 GB)": "A40", "A40": "A40", "RTX 4090 (24 GB)": "RTX-4090", "4090 (24 GB)": "RTX-4090", "3090 (24 GB)": "RTX-3090",
    "RTX 3090 (24 GB)": "RTX-3090", "H200 (141 GB)": "H200", "3080Ti (12 GB)": "RTX-3080-Ti", "RTX4000 (8 GB)": "RTX-4000",
    "Nvidia T4": "T4", "Nvidia L4": "L4",
}


def number(text):
    return float(text.strip().lstrip("$")) if text and text.strip() else None


def gpus(data):
    found = {}

    def put(row, source):
        key = (row["gpu"], row["cloud"], row["kind"], row["count"])
        known = found.get(key)
        if known is None or (row["usd_per_hour"] or 1e9) < (known["usd_per_hour"] or 1e9):
            found[key] = row | {"source": source}

    for row in csv.DictReader((data / "prices/cloud-gpus.csv").open()):
        gpu, count = GPU_NAMES.get(row["GPU Type"].strip()), int(row["GPUs"])
        on_demand, spot = number(row["On-demand"]), number(row["Spot"])
        # Rows with a spot price alone are offers whose on-demand price stands in the wrong column.
        if gpu and count in (1, 8) and on_demand:
            put(dict(gpu=gpu, cloud=row["Cloud"], kind="instance", count=count, instance=row["Name"] or None, usd_per_hour=on_demand, spot_usd_per_hour=spot), "cloud-gpus")
    for row in csv.DictReader((data / "prices/serverless-gpus.csv").open()):
        gpu, count = GPU_NAMES.get(row["GPU Type"].strip()), int(row["GPUs"])
        if gpu and count == 1:
            put(dict(gpu=gpu, cloud=row["Vendor"], kind="serverless", count=count, instance=None, usd_per_hour=number(row["Per-Hour"]), spot_usd_per_hour=None), "serverless-gpus")
    singles = {(gpu, cloud, kind) for gpu, cloud, kind, count in found if count == 1}
    rows = [row for (gpu, cloud, kind, count), row in found.items() if count == 1 or (gpu, cloud, kind) not in singles or gpu.startswith(("H100", "A100-80GB"))]
    return sorted(rows, key=lambda row: (row["gpu"], row["cloud"].lower(), row["kind"], row["count"]))


# Names of boards in mlco2's table, to those above.
BOARDS = {
    "H100 SXM": "H100-80GB-SXM", "H100 NVL": "H100-94GB-NVL", "A100 PCIe 40/80GB": "A100-40GB-PCIe", "A100 SXM4 80 GB": "A100-80GB-SXM", "A10G": "A10G",
    "T4": "T4", "L4": "L4", "L40S": "L40S", "Tesla V100-PCIE-16GB": "V100-16GB-PCIe", "Tesla V100-SXM2-32GB": "V100-32GB-SXM2", "RTX 3090": "RTX-3090",
    "RTX 4090": "RTX-4090", "RTX A5000": "RTX-A5000", "RTX A6000": "RTX-A6000", "RTX 3080": "RTX-3080", "RTX 3080 TI": "RTX-3080-Ti",
    "AGX Xavier": "AGX-Xavier", "RTX 2080 Ti": "RTX-2080-Ti", "GTX 1080 Ti": "GTX-1080-Ti", "Tesla P100": "P100-16GB", "Tesla K80": "K80",
}
# The table has the PCIe card's power at the SXM2 one and the other way round (NVIDIA's V100 data sheet: PCIe 250 W, SXM2 300 W).
BOARD_MENDS = {"V100-16GB-PCIe": 250.0}


def boards(data):
    rows = []
    for line in (data / "energy/mlco2_gpus.csv").read_text().splitlines()[1:]:
        cells = line.split(",")
        if cells[0] in BOARDS:
            gpu = BOARDS[cells[0]]
            rows.append(dict(gpu=gpu, power_w=BOARD_MENDS.get(gpu, float(cells[2])), source="mlco2"))
    return sorted(rows, key=lambda row: row["gpu"])


# ---------------------------------------------------------------- energy

# Wholesale zones, to the region that they stand for.
ZONES = {
    "DE-LU": "DE", "AU-NSW": "AU-NSW", "AU-VIC": "AU-VIC", "BR-SP": "BR-SP", "CA-ON": "CA-ON", "CL-SIC": "CL", "IN-WE": "IN-WE", "JP-TK": "JP-13",
    "US-CAL-CISO": "US-CA", "US-MIDA-PJM": "US-MIDA-PJM", "US-NY-NYIS": "US-NY", "US-TEX-ERCO": "US-TX",
}
# Regions of clouds that publish no figure of their own, to the grid where they stand and the city.
PLACES = {
    "aws": "us-east-1 US-VA Ashburn; us-east-2 US-OH Columbus; us-west-1 US-CA San Francisco; us-west-2 US-OR Boardman; ca-central-1 CA Montreal; "
    "sa-east-1 BR Sao Paulo; eu-central-1 DE Frankfurt; eu-west-1 IE Dublin; eu-west-2 GB London; eu-west-3 FR Paris; eu-north-1 SE Stockholm; "
    "eu-south-1 IT Milan; eu-south-2 ES Aragon; eu-central-2 CH Zurich; ap-south-1 IN Mumbai; ap-southeast-1 SG Singapore; "
    "ap-southeast-2 AU Sydney; ap-northeast-1 JP Tokyo; ap-northeast-2 KR Seoul; me-central-1 AE Dubai; af-south-1 ZA Cape Town",
    "azure": "eastus US-VA Boydton; eastus2 US-VA Boydton; centralus US-IA Des Moines; southcentralus US-TX San Antonio; westus US-CA San Francisco; "
    "westus2 US-WA Quincy; westus3 US-AZ Phoenix; canadacentral CA Toronto; brazilsouth BR Sao Paulo; northeurope IE Dublin; "
    "westeurope NL Middenmeer; uksouth GB London; francecentral FR Paris; germanywestcentral DE Frankfurt; swedencentral SE Gavle; "
    "switzerlandnorth CH Zurich; norwayeast NO Oslo; southeastasia SG Singapore; japaneast JP Tokyo; koreacentral KR Seoul; "
    "centralindia IN Pune; australiaeast AU Sydney; uaenorth AE Dubai; southafricanorth ZA Johannesburg",
}
POUND_PER_MWH = 0.45359237  # lb/MWh in g/kWh
SLIPS = {"me-cenrtal1": "me-central1"}  # of the table's spelling


def electricity(data):
    latest = {}
    for row in csv.DictReader((data / "energy/wholesale_electricity_yearly.csv").open()):
        if row["region"] not in latest or latest[row["region"]]["year"] < row["year"]:
            latest[row["region"]] = row
    return [
        dict(region=ZONES.get(zone, zone), zone=zone, kind="wholesale", usd_per_kwh=round(float(row["mean_usd_per_mwh"]) / 1000, 6), source="green-dcc", date=f"{row['year']}-12-31")
        for zone, row in sorted(latest.items())
    ]


def grid(data, iso):
    two = {entry["alpha_3"]: entry["alpha_2"] for entry in json.loads(Path(iso).read_text())["3166-1"]} | {"XKX": "XK"}
    energy, rows = data / "energy/codecarbon", []
    for code, entry in json.loads((energy / "global_energy_mix.json").read_text()).items():
        region = two.get(code, code)
        rows.append(dict(region=region, aliases=[code] * (region != code) + ["UK"] * (region == "GB"), name=entry["country_name"], g_per_kwh=entry["carbon_intensity"], source="owid", date=f"{entry['year']}-12-31"))
    for name, entry in json.loads((energy / "usa_emissions.json").read_text()).items():
        code = entry.get("regionCode")
        if len(code) == 2:
            rows.append(dict(region=f"US-{code}", aliases=[], name=name.title(), g_per_kwh=round(entry["emissions"] * POUND_PER_MWH, 3), source="egrid", date="2016-12-31"))
    for code, entry in json.loads((energy / "nordic_emissions.json").read_text())["data"].items():
        if re.match(r"(SE|NO)\d", code):  # Finland is a country, above
            rows.append(dict(region=code, aliases=[], name=entry["description"], g_per_kwh=entry["emission_factor"], source="nordic", date=f"{entry['year']}-12-31"))
    for row in csv.DictReader((energy / "cloud_impact.csv").open(encoding="utf-8-sig")):
        region = SLIPS.get(row["region"], row["region"])
        place = row["city"] or row["state"] or row["country_name"]
        rows.append(dict(region=f"{row['provider']}/{region}", aliases=[region], name=f"gcp, {place}", g_per_kwh=float(row["impact"]), source="gcp", date="2024-07-13"))
    known = {row["region"]: row for row in rows}
    for cloud, places in PLACES.items():
        for place in places.split("; "):
            region, where, city = place.split(" ", 2)
            rows.append(known[where] | dict(region=f"{cloud}/{region}", aliases=[region], name=f"{cloud}, {city}: the grid of {known[where]['name']}"))
    return sorted(rows, key=lambda row: ("/" in row["region"], row["region"]))


PUE = [
    dict(operator="average", pue=1.56, scope="largest data centre of each respondent, survey of 2024", source="uptime", date="2024-12-31"),
    dict(operator="aws", pue=1.15, scope="all data centres, 2023", source="dcd", date="2023-12-31"),
    dict(operator="azure", pue=1.18, scope="all data centres of Microsoft", source="dcd", date="2023-12-31"),
    dict(operator="gcp", pue=1.10, scope="all large data centres of Google, rounded", source="dcd", date="2023-12-31"),
    dict(operator="none", pue=1.0, scope="a machine without a facility around it", source="definition", date="2026-08-01"),
]

# ---------------------------------------------------------------- files

SOURCES = {
    "genai-prices": ("pydantic/genai-prices @ 47df840a5ab1, MIT", "https://github.com/pydantic/genai-prices", GENAI),
    "litellm": ("BerriAI/litellm's model prices, as mirrored in Prajwalsrinvas/token-tariff @ dc2baf9d80f9, MIT", "https://github.com/BerriAI/litellm", LITELLM),
    "cloud-gpus": ("the-full-stack/website @ 2bddc6d52544, docs/cloud-gpus (last changed 2025-03-07, rows may be older), MIT", "https://fullstackdeeplearning.com/cloud-gpus/", "2025-03-07"),
    "serverless-gpus": ("the-full-stack/website @ 2bddc6d52544, docs/cloud-gpus (last changed 2025-03-07, rows may be older), MIT", "https://fullstackdeeplearning.com/cloud-gpus/", "2025-03-07"),
    "mlco2": ("mlco2/impact @ d0d3ee5a71ea, data/gpus.csv, MIT; board power as the makers' data sheets give it", "https://github.com/mlco2/impact", "2026-02-26"),
    "green-dcc": ("mean of the hourly day-ahead prices in HewlettPackard/green-dcc @ 3f6ea95cb835, MIT", "https://github.com/HewlettPackard/green-dcc", "2024-12-31"),
    "owid": ("Our World in Data (Ember, Energy Institute), CC BY, by mlco2/codecarbon @ b05965e43b69, MIT", "https://ourworldindata.org/grapher/carbon-intensity-electricity", "2023-12-31"),
    "egrid": ("US EPA eGRID 2016 output emission rates, by mlco2/codecarbon @ b05965e43b69, MIT", "https://www.epa.gov/egrid", "2016-12-31"),
    "nordic": ("averages of ENTSO-E data, by mlco2/codecarbon @ b05965e43b69, MIT", "https://github.com/mlco2/codecarbon", "2024-12-31"),
    "gcp": ("Google Cloud's carbon data by region, by mlco2/codecarbon @ b05965e43b69 (table of 2024-07-13), MIT", "https://cloud.google.com/sustainability/region-carbon", "2024-07-13"),
    "uptime": ("Uptime Institute, Global Data Center Survey 2024", "https://uptimeinstitute.com/resources/research-and-reports", "2024-12-31"),
    "dcd": ("Data Center Dynamics, December 2024: AWS' global data centers achieved PUE of 1.15 in 2023, which also tells Google's and Microsoft's", "https://www.datacenterdynamics.com/en/news/aws-global-data-centers-achieved-pue-of-115-in-2023/", "2023-12-31"),
    "definition": ("ISO/IEC 30134-2: nothing but the machine draws power for it", "https://www.iso.org/standard/63451.html", "2026-08-01"),
}


def word(value):
    if isinstance(value, list):
        return "[" + ", ".join(word(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(int(value)) if float(value).is_integer() else repr(value)


def write(file, about, sections):
    out = [f"# {about}", "# Made by make.py in this folder: change that, not this."]
    for name, rows in sections.items():
        out += ["", f"{name} = ["]
        for row in rows:
            # An entry's own date stands only where it is not its source's.
            same = row.get("date") == SOURCES[row["source"]][2]
            shown = {key: value for key, value in row.items() if value not in (None, []) and not (key == "date" and same)}
            out.append("  { " + ", ".join(f"{key} = {word(value)}" for key, value in shown.items()) + " },")
        out.append("]")
    out += ["", "[sources]"]
    for key in sorted({row["source"] for rows in sections.values() for row in rows}):
        title, url, date = SOURCES[key]
        out.append(f"{key} = {{ title = {word(title)}, url = {word(url)}, date = {word(date)} }}")
    (HERE / file).write_text("\n".join(out) + "\n")
    print(file, {name: len(rows) for name, rows in sections.items()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--iso", default="/usr/share/iso-codes/json/iso_3166-1.json")
    args = parser.parse_args()
    write("models.toml", "Hosted models: USD per million input and output tokens, for short prompts, without rebates for caches or batches.", {"models": models(args.data)})
    write("gpus.toml", "GPUs by the hour (USD an hour of the whole offer of `count` GPUs, host included), and the power of boards.", {"gpus": gpus(args.data), "boards": boards(args.data)})
    write("energy.toml", "Electricity, PUE, and the grid's gCO2e per kWh.", {"electricity": electricity(args.data), "pue": PUE, "grid": grid(args.data, args.iso)})


if __name__ == "__main__":
    main()
