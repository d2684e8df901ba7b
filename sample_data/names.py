"""Invented Chinese names for streets, parcels and owners; none is a real person or firm."""

from __future__ import annotations

import numpy as np

STREET_STEMS = (
    "桂花 松涛 竹溪 梅岭 茶山 云锦 晨曦 望江 石桥 银杏 紫薇 海棠 枫林 菊园 "
    "兰亭 荷塘 杏坛 槐荫 榆钱 桃源 百合 青松 翠竹 丹枫 碧波 清泉 映山 听雨 "
    "观澜 龙井 凤尾 鹤鸣 鹿苑 雁归 春晖 夏荷 秋实 冬青 朝阳 晚霞 崇德 尚文 "
    "明理 诚信 和谐 友谊 康宁 安居 乐业 福寿 吉祥 如意 兴旺 永丰 长乐 广济 "
    "仁和 义仓 礼贤 智慧 玉带 金桥 银滩 铜锣 铁匠 木器 水车 火神 土门 盐店 "
    "米市 布衣 油坊 磨坊 染坊 书院 学宫 鼓楼 城隍 东关 西关 南关 北关 中巷 "
    "前营 后营 上塘 下塘 左家 右坊 新田 老井 大樟 小岭 高台 平坝 长坪 短街 "
    "深巷 浅湾"
)
ESTATE_STEMS = (
    "青溪 锦绣 云台 凤鸣 望岳 桃源 翠湖 碧水 金桂 银河 紫金 丹霞 玉兰 海棠 "
    "香樟 松鹤 竹韵 梅园 兰庭 菊苑 阳光 春晓 和悦 安和 康乐 嘉禾 瑞景 祥云 "
    "福临 盛世"
)
SUFFIXES = {
    "residential": ["花园", "小区", "家园", "雅苑", "新村", "名邸"],
    "commercial": ["商业广场", "商场", "农贸市场", "酒店", "购物中心", "商业街"],
    "office": ["办公楼", "商务中心", "大厦"],
    "education": ["小学", "中学", "幼儿园", "职业学校"],
    "medical": ["卫生院", "医院", "诊所"],
    "industrial": ["食品厂", "机械厂", "建材厂", "茶叶加工厂", "纺织厂", "产业园"],
    "logistics": ["物流园", "仓库", "货运站"],
    "public": ["文化馆", "社区服务中心", "体育馆", "养老院", "图书馆"],
    "utility": ["变电站", "水厂", "泵站", "燃气门站", "通信机房"],
    "green": ["游园", "街心花园"],
    "mixed": ["综合体", "商住楼", "广场"],
}
ENDINGS = {"collector": "路", "local": "路", "lane": "巷"}
NUMERALS = "一二三四五六七八九十"
OWNERS = {
    "water": "县供水公司",
    "sewage": "县排水管理所",
    "storm": "县排水管理所",
    "gas": "县燃气公司",
    "power": "县供电公司",
    "telecom": "移动、联通、电信",
}
SPECIES = ["香樟", "法国梧桐", "银杏", "桂花", "栾树", "枫香"]
ANCIENT_SPECIES = ["银杏", "国槐", "圆柏", "皂荚"]


class Namer:
    """Gives every parcel a name that was not given before."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._given: dict[str, int] = {}

    def parcel(self, land_use: str) -> str:
        """Return a fresh name for a parcel of this land use; repeats become a further phase."""
        stem, suffix = self._rng.choice(ESTATE_STEMS.split()), self._rng.choice(SUFFIXES[land_use])
        name = f"{stem}{suffix}"
        count = self._given[name] = self._given.get(name, 0) + 1
        return name if count == 1 else f"{name}{NUMERALS[min(count, 10) - 1]}期"


def street_name(number: int, road_class: str) -> str:
    """Return the name of the nth small street; the stems serve again with a direction."""
    stems = STREET_STEMS.split()
    stem = stems[number % len(stems)]
    turn = ("", "东", "西", "南", "北")[number // len(stems)]
    return f"{stem}{turn}{ENDINGS[road_class]}"
